import { describe, expect, it } from "vitest";
import { type Packed, pack } from "../../pack/index.js";
import { elementCount } from "../../program/geometry.js";
import { randomGraph } from "../../test-support/random-graph.js";
import { randomImages, randomWeights } from "../../test-support/random-weights.js";
import { reference } from "./reference/index.js";
import { wasm } from "./wasm/index.js";

const backends = [wasm];

describe.each(backends)("$name gives the bits of the reference", (backend) => {
  const count = 2;

  async function expectSameBits({ program, tensors }: Packed, label: string): Promise<void> {
    const size = elementCount(program.values[program.input].shape);
    const images = randomImages([count, size], 7).data as Float32Array;
    const options = { threads: 1 };
    const outputs = await Promise.all(
      [reference, backend].map(async (one) => {
        const executable = await one.compile(program, tensors, options);
        const results = await executable.run(images, count);
        executable.dispose();
        return Object.fromEntries(
          Object.entries(results).map(([name, data]) => [name, new Uint32Array(data.buffer)]),
        );
      }),
    );
    expect(outputs[1], label).toEqual(outputs[0]);
  }

  it("on random networks", async () => {
    for (let seed = 300; seed < 450; seed++) {
      const graph = randomGraph(seed);
      await expectSameBits(pack(graph, randomWeights(graph, seed)), `seed ${seed}`);
    }
  });
});
