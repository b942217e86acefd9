import { OnebitError } from "../errors.js";
import { isNode, isPath } from "./is-node.js";
import type { Assets, UrlLike } from "./web-types.js";

/** Bytes of a file that belongs to the package: from disk in Node, over the network in browsers. */
export async function readAsset(url: URL): Promise<Uint8Array> {
  if (url.protocol === "file:" && isNode()) return (await import("#node")).readFileAsset(url);
  const response = await fetch(url).catch((error: Error) => {
    throw new OnebitError(`${url}: cannot be fetched: ${error.message}`, { cause: error });
  });
  if (response.ok) return new Uint8Array(await response.arrayBuffer());
  throw new OnebitError(`${url}: the server answers ${response.status}`);
}

/** A file of those. */
export function assetIn(assets: Assets, name: string): URL {
  if (!isAddress(assets)) return new URL((assets as { [file: string]: string })[name]);
  const text = String(assets);
  const url = isPath(text)
    ? process.getBuiltinModule("node:url").pathToFileURL(text)
    : new URL(text, globalThis.document?.baseURI ?? globalThis.location?.href);
  url.pathname = url.pathname.replace(/\/?$/, "/");
  return new URL(name, url);
}

/** A string or a URL, of whichever window. */
const isAddress = (value: unknown) =>
  typeof value === "string" || (value as Partial<URL> | null)?.searchParams !== undefined;

/** Whether assetIn can find files in it. */
export function isFolder(folder: unknown): folder is string | UrlLike {
  if (folder === "" || !isAddress(folder)) return false;
  try {
    return assetIn(folder as string | UrlLike, "").pathname !== "";
  } catch {
    return false;
  }
}
