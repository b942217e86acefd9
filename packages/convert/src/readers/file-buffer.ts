import { OnebitError } from "onebit";
import { type AsyncBuffer, allocate } from "./async-buffer.js";

/** A file, read by position: only what is asked for comes into memory. */
export interface FileBuffer extends AsyncBuffer {
  readonly name: string;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** No system reads 2 GiB at once. */
const mostAtOnce = 2 ** 30;

/** Opens a file of this machine (Node only). The caller closes it. */
export async function fileBuffer(path: string): Promise<FileBuffer> {
  const { open, stat } = await import("node:fs/promises");
  const failed = ({ code, message }: NodeJS.ErrnoException): never => {
    const why = code === "ENOENT" ? "there is no such file" : message;
    throw new OnebitError(`${path}: cannot be opened: ${why}`);
  };
  // Asked first, because opening a pipe would wait for somebody to write into it.
  const { size, isFile } = await stat(path).then(
    (found) => ({ size: found.size, isFile: found.isFile() }),
    failed,
  );
  if (!isFile) throw new OnebitError(`${path}: is not a file: give the path of a checkpoint`);
  const file = await open(path, "r").catch(failed);
  const slice = async (start: number, end: number) => {
    const bytes = allocate(Math.max(0, Math.min(end, size) - start), path);
    let filled = 0;
    while (filled < bytes.length) {
      const length = Math.min(bytes.length - filled, mostAtOnce);
      const { bytesRead } = await file.read(bytes, filled, length, start + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return bytes.subarray(0, filled);
  };
  const close = () => file.close();
  return { name: path, byteLength: size, slice, close, [Symbol.asyncDispose]: close };
}
