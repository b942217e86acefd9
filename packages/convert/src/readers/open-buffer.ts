import type { AsyncBuffer } from "./async-buffer.js";
import { fileBuffer } from "./file-buffer.js";
import { type UrlOptions, urlBuffer } from "./url-buffer.js";

/** A path or an http(s) address as a buffer; close it when done. */
export async function openBuffer(source: string, options?: UrlOptions): Promise<AsyncBuffer> {
  return /^https?:\/\//i.test(source) ? urlBuffer(source, options) : fileBuffer(source);
}
