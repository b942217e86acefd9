import { OnebitError, UsageError, visible } from "onebit";

/** Whether a name in a recipe is that of a module of the user's own: "./mine.mjs". */
export const isModule = (name: string): boolean => /\.[cm]?js(\?sha256=\w+)?$/.test(name);

/**
 * The default export of a module of the user's own. It is code, and runs with all that the process may do.
 *
 * url: absolute, as ownModules makes it. what: what it should be, for messages. fields: those that must be
 * there, and their types ("function", "string", ...); "" is the export itself.
 */
export async function loadOwn<T>(
  url: string,
  what: string,
  fields: { readonly [field: string]: string },
): Promise<T> {
  const { default: own } = await import(/* @vite-ignore */ url).catch((cause: Error) => {
    throw new OnebitError(`${moduleName(url)}: cannot be loaded as ${what}: ${cause.message}`, {
      cause,
    });
  });
  if (own === undefined) {
    throw new UsageError(`${moduleName(url)}: has no default export; ${what} is wanted`);
  }
  for (const [field, type] of Object.entries(fields)) {
    const value = field ? own[field] : own;
    if (typeof value === type) continue;
    const where = field ? `its default export's "${field}"` : "its default export";
    throw new UsageError(
      `${moduleName(url)}: ${where} is ${value === null ? "null" : typeof value}; ${what} has a ${type} there`,
    );
  }
  return own as T;
}

/** The path of a module, as a message shows it. */
export function moduleName(url: string): string {
  if (!url.startsWith("file:")) return visible(url);
  return visible(decodeURI(url.replace(/^file:\/\/|\?sha256=.*/g, "")));
}

/** What somebody's code has thrown, which need not be an error. */
export const reasonOf = (cause: unknown): string =>
  visible(cause instanceof Error ? cause.message : String(cause));

/** What somebody's code has returned in place of a number, as a message shows it. */
export function shown(value: unknown): string {
  if (typeof value === "string") return visible(JSON.stringify(value));
  if (value instanceof Promise) return "a promise";
  const isPlain = value === null || !["object", "function"].includes(typeof value);
  return isPlain ? String(value) : visible(Object.prototype.toString.call(value).slice(8, -1));
}
