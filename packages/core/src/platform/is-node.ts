/** Whether Node, or what works like it (Bun, Deno), runs this; bundlers give pages a `process` too. */
export function isNode(): boolean {
  return typeof process !== "undefined" && process.versions?.node !== undefined;
}

/** Whether a string names a file on disk, no URL. One letter before the colon is a drive. */
export function isPath(text: string): boolean {
  return isNode() && !/^[a-z][a-z0-9+.-]+:/i.test(text);
}
