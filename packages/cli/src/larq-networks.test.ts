import { readFileSync } from "node:fs";
import { join } from "node:path";
import { load } from "onebit";
import { describe, expect, it } from "vitest";
import { shared } from "../../core/src/test-support/shared.js";
import { temporaryFolder } from "./test-support/folder.js";
import { onebitJson } from "./test-support/run-cli.js";

const folder = shared("data/weights/larq");
const path = temporaryFolder();

/** Networks of others, padded with ones and with zeros: what they say is held elsewhere, here that all say the same. */
describe.skipIf(!folder).each([
  ["nasbnn_key3_lce.tflite", 128],
  ["samy_bnn.h5", 80],
] as const)("%s", (file, side) => {
  it("gives the reference's bits on every backend", async () => {
    const packed = path(`${file}.onebit`);
    await onebitJson("import", join(folder!, file), "-o", packed);
    const bytes = new Uint8Array(readFileSync(packed));
    const data = Float32Array.from({ length: 3 * side * side }, (_, i) => Math.sin(0.37 * i));
    const outputs = [];
    for (const backend of ["reference", "wasm", "native"] as const) {
      using model = await load(bytes, { backend, threads: 2 });
      expect(model.backend).toBe(backend);
      outputs.push((await model.run({ shape: [1, 3, side, side], data })).logits.data);
    }
    expect(outputs).toEqual([outputs[0], outputs[0], outputs[0]]);
  }, 120_000);
});
