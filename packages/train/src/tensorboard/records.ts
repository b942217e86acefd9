import { crc32c } from "./crc32c.js";

/**
 * TensorFlow's record: length (8 bytes, least significant first), its masked CRC-32C, the data, their masked
 * CRC-32C.
 */
export function record(data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(12 + data.length + 4);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, masked(bytes.subarray(0, 8)), true);
  bytes.set(data, 12);
  view.setUint32(12 + data.length, masked(data), true);
  return bytes;
}

/** Data of the whole records that a file begins with, and where each ends; what is torn or damaged ends them. */
export function* wholeRecords(
  file: Uint8Array,
): Generator<{ readonly data: Uint8Array; readonly end: number }> {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  for (let at = 0; at + 16 <= file.length; ) {
    const start = at + 12;
    if (view.getUint32(at + 8, true) !== masked(file.subarray(at, at + 8))) return;
    const end = start + Number(view.getBigUint64(at, true));
    if (end + 4 > file.length) return;
    const data = file.subarray(start, end);
    if (view.getUint32(end, true) !== masked(data)) return;
    at = end + 4;
    yield { data, end: at };
  }
}

/** A CRC of data that hold CRCs themselves would be weak: TensorFlow turns it and adds a constant. */
function masked(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
