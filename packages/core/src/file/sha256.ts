/**
 * SHA-256 (FIPS 180-4) as lower-case hexadecimal: the platform's, or our own where it has none.
 * Large data are copied before this returns, then another thread hashes them.
 */
export async function sha256(data: Uint8Array): Promise<string> {
  const subtle = globalThis.crypto?.subtle;
  const node = globalThis.process?.getBuiltinModule?.("node:crypto");
  // Node's own takes no copy and no detour over other threads: faster, but in nobody's shadow.
  const isLarge = data.length >= LARGE && data.buffer instanceof ArrayBuffer;
  if (node && !(subtle && isLarge)) return node.createHash("sha256").update(data).digest("hex");
  if (subtle) {
    return hex(new Uint8Array(await subtle.digest("SHA-256", data as Uint8Array<ArrayBuffer>)));
  }
  const { sha256Portable } = await import("./sha256-portable.js");
  return hex(sha256Portable(data));
}

const LARGE = 2 ** 20;

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
