import { spawnSync } from "node:child_process";
import type { Classifier } from "../runtime/classifier.js";

const side = 32;
const plane = side * side;
const recordBytes = 1 + 3 * plane;

/** CIFAR-10's records in a file of xz. Node has no decompressor for it: the tool of that name is started. */
export function cifarRecords(path: string): Uint8Array | undefined {
  const { stdout, error, status } = spawnSync("xz", ["-dc", path], { maxBuffer: 2 ** 26 });
  if (!error && status === 0) return stdout;
  if (process.env.CI) throw new Error(`xz -dc ${path}: ${error?.message ?? `status ${status}`}`);
  console.log("skipped: the tool xz is not here");
  return undefined;
}

/** On how many of them a model is right, prepared as its own file says. */
export async function rightOnCifar(model: Classifier, records: Uint8Array): Promise<number> {
  let right = 0;
  for (let i = 0; i < records.length / recordBytes; i++) {
    const record = records.subarray(i * recordBytes, (i + 1) * recordBytes);
    const data = new Uint8Array(3 * plane);
    for (let p = 0; p < 3 * plane; p++) data[p] = record[1 + (p % 3) * plane + Math.floor(p / 3)];
    const [best] = await model.classify({ data, width: side, height: side }, { top: 1 });
    if (best.index === record[0]) right++;
  }
  return right;
}
