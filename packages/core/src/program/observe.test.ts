import { describe, expect, it } from "vitest";
import { randomProgram } from "../conformance/random-program.js";
import { reference, runValues } from "../runtime/backends/reference/index.js";
import { wasm } from "../runtime/backends/wasm/index.js";
import { checkProgram } from "./check.js";
import { observe } from "./observe.js";

describe("an observed program", () => {
  it("shows every value, and the registers behind its bits, as they are", async () => {
    let [values, signs, sums] = [0, 0, 0];
    for (let seed = 0; seed < 25; seed++) {
      const { program, tensors, image } = randomProgram(seed);
      const expected = runValues(program, tensors, image);
      const observed = observe(program, () => true);
      checkProgram(observed.program, tensors);
      for (const backend of [reference, wasm]) {
        const executable = await backend.compile(observed.program, tensors, { threads: 1 });
        const outputs = await executable.run(image, 1);
        program.values.forEach(({ name }, id) => {
          if (id === program.input) return;
          expect(outputs[name]).toEqual(Float32Array.from(expected[id]));
          values++;
        });
        for (const { name, before, thresholds } of observed.signs) {
          const { shape } = program.values.find((value) => value.name === name)!;
          const bits = outputs[name];
          for (const { offset, tensor } of thresholds) {
            const limits = tensors[tensor].data;
            for (let i = 0; i < bits.length; i += shape[2])
              for (let c = 0; c < limits.length; c++) {
                const at = i + offset + c;
                const above = outputs[before][at] - limits[c];
                if (above !== 0) expect(bits[at]).toBe(above > 0 ? 1 : -1);
              }
          }
          signs++;
        }
        sums += Object.keys(outputs).filter((name) => name.endsWith(":sum")).length;
        executable.dispose();
      }
    }
    expect(Math.min(values, signs, sums)).toBeGreaterThan(50);
  });

  it("shows only what is asked for", () => {
    const { program } = randomProgram(1);
    const [wanted] = program.values.map(({ name }) => name).slice(-1);
    const observed = observe(program, (name) => name === wanted);
    expect(Object.keys(observed.program.outputs)).toEqual([wanted]);
  });
});
