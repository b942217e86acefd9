import { OnebitError } from "onebit";
import type { AsyncBuffer } from "./async-buffer.js";

/** A file, read by position: only what is asked for comes into memory. */
export interface FileBuffer extends AsyncBuffer {
  readonly name: string;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Opens a file of this machine (Node only). The caller closes it. */
export async function fileBuffer(path: string): Promise<FileBuffer> {
  const { open } = await import("node:fs/promises");
  const file = await open(path, "r").catch((error: Error) => {
    throw new OnebitError(`${path}: cannot be opened: ${error.message}`);
  });
  const stat = await file.stat();
  if (!stat.isFile()) {
    await file.close();
    throw new OnebitError(`${path}: is not a file: give the path of a checkpoint`);
  }
  const slice = async (start: number, end: number) => {
    const bytes = new Uint8Array(Math.max(0, Math.min(end, stat.size) - start));
    let filled = 0;
    while (filled < bytes.length) {
      const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, start + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return bytes.subarray(0, filled);
  };
  const close = () => file.close();
  return { name: path, byteLength: stat.size, slice, close, [Symbol.asyncDispose]: close };
}
