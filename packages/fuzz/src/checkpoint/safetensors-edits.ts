import { editNumber, editShape, editText, type Json } from "../json-edits.js";
import { type BytesEdit, joined } from "./byte-edits.js";

/** A number, text or list of the header, whose length is then right again, or nearly. */
export const editSafetensors: BytesEdit = (bytes, random) => {
  const length = Number(Buffer.from(bytes.subarray(0, 8)).readBigUInt64LE());
  const header = JSON.parse(Buffer.from(bytes.subarray(8, 8 + length)).toString("utf8")) as Json;
  const told = random.pick([editNumber, editNumber, editShape, editText])(header, random);
  const text = Buffer.from(JSON.stringify(header));
  const head = Buffer.alloc(8);
  const off = random.chance(0.1) ? random.pick([-1, 1, 2 ** 20, 2 ** 32]) : 0;
  head.writeBigUInt64LE(BigInt(Math.max(0, text.length + off)));
  return {
    bytes: joined([head, text, bytes.subarray(8 + length)]),
    told: `${told}, length ${off}`,
  };
};
