import { OnebitError } from "../errors.js";

/** Bytes of a file that belongs to the package: from disk in Node, over the network in browsers. */
export async function readAsset(url: URL): Promise<Uint8Array> {
  if (url.protocol === "file:" && typeof process !== "undefined") {
    const { readFileAsset } = await import("./node.js");
    return readFileAsset(url);
  }
  const response = await fetch(url).catch((error: Error) => {
    throw new OnebitError(`${url}: cannot be fetched: ${error.message}`, { cause: error });
  });
  if (response.ok) return new Uint8Array(await response.arrayBuffer());
  throw new OnebitError(
    `${url}: status ${response.status}: serve this file of the onebit package beside the code`,
  );
}
