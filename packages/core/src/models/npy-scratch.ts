import { readFileSync } from "node:fs";
import type { Tensor } from "../graph/types.js";
export function readNpy(path: string): Tensor {
  const d = readFileSync(path);
  const h = d.readUInt16LE(8);
  const head = d.toString("latin1", 10, 10 + h);
  const shape = /\(([^)]*)\)/
    .exec(head)![1]
    .split(",")
    .map((s) => s.trim())
    .filter(Boolean)
    .map(Number);
  const f8 = head.includes("<f8");
  const n = shape.reduce((a, b) => a * b, 1);
  const at = 10 + h;
  const data = f8
    ? Float64Array.from({ length: n }, (_, i) => d.readDoubleLE(at + 8 * i))
    : Float32Array.from({ length: n }, (_, i) => d.readFloatLE(at + 4 * i));
  return { shape, data };
}
