import { gunzipSync } from "node:zlib";
import { OnebitError } from "onebit";
import { readRegularFile } from "onebit/node";

/** The whole file, unpacked where its first bytes say gzip; at most `limit` bytes. */
export async function readUnpacked(path: string, limit: number): Promise<Uint8Array> {
  const bytes = await readRegularFile(path);
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return gunzipSync(bytes, { maxOutputLength: limit });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why =
      code === "ERR_BUFFER_TOO_LARGE" ? `unpacks to more than ${limit} bytes` : `gzip: ${message}`;
    throw new OnebitError(`${path}: ${why}: download it again`);
  }
}
