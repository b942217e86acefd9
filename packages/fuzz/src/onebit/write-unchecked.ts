import type { OnebitFile } from "onebit/file";
import { compactProgram, type ProgramTensor } from "onebit/program";
import type { JsonObject } from "../json-edits.js";
import type { Parts, StoredPart } from "./parts.js";

/** The parts of a file whose program nobody has checked: each tensor on its own, as it is. */
export function writeUnchecked({ program, tensors, preprocess, labels, card }: OnebitFile): Parts {
  const stored = Object.entries(tensors).map(([name, tensor]) => storedPart(name, tensor));
  // Bits first: their lengths are multiples of 64, and numbers must lie at multiples of 4.
  stored.sort((a, b) => Number(b.dtype === "U8") - Number(a.dtype === "U8"));
  const requires = [...new Set(program.steps.map(({ kind }) => kind))];
  const header = {
    ...{ format: 1, needs: "0.1.0", requires },
    program: compactProgram(program, Object.keys(tensors)),
    ...{ preprocess, labels, card },
  };
  return { header: JSON.parse(JSON.stringify(header)) as JsonObject, tensors: stored };
}

function storedPart(name: string, { type, shape, data }: ProgramTensor): StoredPart {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (type === "float32") return { name, dtype: "F32", shape: [...shape], data: bytes.slice() };
  const padded = new Uint8Array(Math.ceil(bytes.length / 64) * 64);
  padded.set(bytes);
  return { name, dtype: "U8", shape: [padded.length], data: padded };
}
