import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { OnebitError } from "onebit";
import { fromFloat16, toFloat16 } from "onebit/file";
import { writeWhole } from "../run/files.js";

const HASH_BYTES = 32;

/** Logits [images, classes] in half precision, then the SHA-256 of them and of the place that they belong to. */
export const viewBytes = (images: number, classes: number): number =>
  2 * images * classes + HASH_BYTES;

/** Whether a whole file of that many logits is there. */
export async function hasView(path: string, bytes: number): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.size === bytes;
}

/** OnebitError where half precision does not hold them; nothing is written then. teacher: its path. */
export async function writeView(
  path: string,
  logits: Float32Array,
  teacher: string,
): Promise<void> {
  const halves = Uint16Array.from(logits, toFloat16);
  const beyond = logits[halves.findIndex((half) => (half & 0x7c00) === 0x7c00)];
  if (beyond !== undefined) throw notHeld(teacher, beyond);
  const data = new Uint8Array(halves.buffer);
  await writeWhole(path, Buffer.concat([data, digest(path, data)]));
}

/** In half precision, as they were written. OnebitError for a file that is damaged, or another one's. */
export async function readView(path: string): Promise<Uint16Array> {
  const bytes = await readFile(path).catch((error: Error) => {
    throw new OnebitError(`${path}: what a teacher said cannot be read: ${error.message}`);
  });
  const data = Uint8Array.from(bytes.subarray(0, -HASH_BYTES));
  if (!digest(path, data).equals(bytes.subarray(-HASH_BYTES))) {
    throw new OnebitError(
      `${path}: what a teacher said is damaged, or the file is of another view or teacher: delete it, and the teacher is asked again`,
    );
  }
  return new Uint16Array(data.buffer);
}

/** The rows of some images, [indices, classes]. */
export function rowsOf(view: Uint16Array, indices: Int32Array, classes: number): Float32Array {
  const out = new Float32Array(indices.length * classes);
  indices.forEach((image, n) => {
    for (let c = 0; c < classes; c++) {
      out[n * classes + c] = fromFloat16(view[image * classes + c]);
    }
  });
  return out;
}

function notHeld(teacher: string, logit: number): OnebitError {
  const why = Number.isFinite(logit)
    ? "kept views hold numbers up to 65,504: leave out --teacher-views, so that it is asked in every step"
    : "it overflows, or its weights are damaged";
  return new OnebitError(`teacher ${teacher}: a logit of a view is ${logit}: ${why}`);
}

/** The place is KEY/view-N.f16, wherever the cache lies. */
function digest(path: string, data: Uint8Array): Buffer {
  const place = `${basename(dirname(path))}/${basename(path)}\n`;
  return createHash("sha256").update(place).update(data).digest();
}
