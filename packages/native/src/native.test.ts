import { execFileSync } from "node:child_process";
import { OnebitError } from "onebit";
import type { Program, Step } from "onebit/program";
import { joinPools, prune } from "onebit/program";
import { reference } from "onebit/reference";
import { describe, expect, it } from "vitest";
import { Random } from "../../core/src/conformance/random.js";
import { randomProgram } from "../../core/src/conformance/random-program.js";
import { expectSameFloats, floatTensor, value } from "../../core/src/test-support/packed-step.js";
import { native, nativeIsas, nativeWith } from "./index.js";
import { isasUnderTest } from "./test-support/isas.js";

const isas = isasUnderTest();
const one = { threads: 1 };

/** x -> relu, its first half and its second stored apart -> 2x2 means, of whatever size. */
function pooledProgram(height: number, width: number, channels: number): Program {
  const pooled = [Math.floor(height / 2), Math.floor(width / 2), 2 * channels] as const;
  const half = (offset: number): Step => ({
    kind: "pointwise",
    covers: [],
    input: 0,
    epilogue: [
      ["shift", 0, "t"],
      ["relu", 1],
      ["store", offset === 0 ? 2 : 1, 1, offset],
    ],
  });
  const pool: Step = {
    kind: "pool",
    mode: "average",
    kernel: [2, 2],
    stride: [2, 2],
    padding: [0, 0],
    covers: [],
    input: 1,
    epilogue: [["store", 0, 2, 0]],
  };
  return {
    values: [
      value("x", "map", [height, width, channels]),
      value("map", "map", [height, width, 2 * channels]),
      value("y", "map", pooled),
    ],
    input: 0,
    steps: [half(0), half(channels), pool],
    outputs: { y: 2 },
  };
}

describe.runIf(isas.length > 0)("the native backend", () => {
  it("computes 2x2 means, in a step of their own or not, whatever the size", async () => {
    const random = new Random(3);
    for (const [height, width, channels] of [
      [2, 2, 3],
      [3, 5, 16],
      [7, 30, 20],
      [10, 58, 32],
      [32, 14, 5],
      [28, 112, 16],
    ] as const) {
      const program = pooledProgram(height, width, channels);
      const floats = (n: number) => Float32Array.from({ length: n }, () => random.number() - 0.5);
      const tensors = { t: floatTensor(floats(channels)) };
      const image = floats(height * width * channels);
      const expected = await (await reference.compile(program, tensors, one)).run(image, 1);
      for (const isa of isas) {
        for (const apart of [false, true]) {
          for (const threads of [1, 2]) {
            for (const one of [program, joinPools(program)]) {
              const backend = nativeWith({ isa, apart });
              const executable = await backend.compile(one, tensors, { threads });
              const { y } = await executable.run(image, 1);
              expectSameFloats(y, expected.y, `${isa}, ${height}x${width}, ${threads} threads`);
            }
          }
        }
      }
    }
  });

  it("takes images as planes too", async () => {
    const random = new Random(4);
    for (const channels of [1, 3, 5]) {
      const [height, width] = [6, 10];
      const program = pooledProgram(height, width, channels);
      const tensors = { t: floatTensor(new Float32Array(channels)) };
      const executable = await native.compile(program, tensors, { threads: 2 });
      const size = height * width * channels;
      const images = Float32Array.from({ length: 3 * size }, () => random.number());
      const planes = images.map((_, i) => {
        const c = Math.floor(i / (height * width)) % channels;
        const pixel = i % (height * width);
        return images[Math.floor(i / size) * size + pixel * channels + c];
      });
      const expected = await executable.run(images, 3);
      const actual = await executable.runPlanes?.(planes, 3);
      expectSameFloats(actual?.y ?? new Float32Array(0), expected.y, `${channels} channels`);
    }
  });

  it("leaves the event loop alone and lets runs overlap", async () => {
    const { program, tensors, image } = randomProgram(5);
    const executable = await native.compile(program, tensors, { threads: 2 });
    const images = new Float32Array(image.length * 500);
    for (let i = 0; i < 500; i++) images.set(image, i * image.length);
    let turns = 0;
    const timer = setInterval(() => turns++, 0);
    const runs = await Promise.all([1, 2, 3].map(() => executable.run(images, 500)));
    clearInterval(timer);
    expect(turns).toBeGreaterThan(0);
    const [single] = Object.entries(await executable.run(image, 1));
    for (const outputs of runs) {
      expectSameFloats(outputs[single[0]].subarray(-single[1].length), single[1], "last image");
    }
  });

  it("tells what each step took and what computed it", async () => {
    const { program, tensors, image } = randomProgram(8);
    const executable = await native.compile(program, tensors, one);
    await executable.run(image, 1);
    expect(executable.profile?.()).toHaveLength(program.steps.length);
    const kernels = executable.kernels?.() ?? [];
    expect(kernels).toHaveLength(program.steps.length);
    for (const kernel of kernels) expect(nativeIsas()).toContain(kernel.split(" ")[0]);
  });

  it("says what does not fit", async () => {
    const { program, tensors, image } = randomProgram(1);
    const executable = await native.compile(program, tensors, one);
    await expect(executable.run(image.subarray(1), 1)).rejects.toThrow(OnebitError);
    executable.dispose();
    await expect(executable.run(image, 1)).rejects.toThrow(/disposed/);
    const unknown = nativeWith({ isa: "mmx" }).compile(program, tensors, one);
    await expect(unknown).rejects.toThrow(OnebitError);
    await expect(unknown).rejects.toThrow(/no instruction set "mmx": there are .*scalar|neon/);
    const newer = { ...program, steps: [{ ...program.steps[0], kind: "attention" }] } as never;
    await expect(native.compile(newer, tensors, one)).rejects.toThrow(/cannot run "attention"/);
  });

  it("reads images whose memory goes away before they are read", async () => {
    const { program, tensors, image } = randomProgram(5);
    const executable = await native.compile(program, tensors, { threads: 2 });
    const [[name, expected]] = Object.entries(await executable.run(image, 1));
    const count = 300;
    // ES2024, which the types here do not know.
    type Resizable = ArrayBuffer & { resize(bytes: number): void };
    const Resizable = ArrayBuffer as unknown as new (bytes: number, options: object) => Resizable;
    const maxByteLength = count * image.byteLength;
    for (const goAway of [
      (memory: Resizable) => memory.resize(0),
      (memory: Resizable) => void structuredClone(memory, { transfer: [memory] }),
    ]) {
      const memory = new Resizable(maxByteLength, { maxByteLength });
      const images = new Float32Array(memory);
      for (let i = 0; i < count; i++) images.set(image, i * image.length);
      const running = [executable.run(images, count), executable.run(images, count)];
      goAway(memory);
      for (const outputs of await Promise.all(running)) {
        expectSameFloats(outputs[name].subarray(-expected.length), expected, "last image");
      }
      await expect(executable.run(images, count)).rejects.toThrow(/neither resize nor transfer it/);
    }
  });

  it.each([0.5, -1, Number.NaN, 2 ** 53, 2 ** 62, Infinity])("runs no %d images", async (count) => {
    const { program, tensors, image } = randomProgram(1);
    const executable = await native.compile(program, tensors, one);
    await expect(executable.run(image, count)).rejects.toThrow(/ x \d+ numbers wanted/);
  });

  it.each([0, -1, 0.5, 257, 2 ** 32, Number.NaN])("starts no %d threads", async (threads) => {
    const { program, tensors } = randomProgram(1);
    const compiling = native.compile(program, tensors, { threads });
    await expect(compiling).rejects.toThrow(/threads must be a whole number from 1 to 256/);
  });

  it.runIf(process.platform === "linux" && process.getuid?.() === 0)(
    "goes on with the threads that the system starts",
    () => {
      const script = `
        import { load } from ${JSON.stringify(new URL("../../core/dist/index.js", import.meta.url).href)};
        const model = await load("models/fashion-mnist.onebit", { backend: "native", threads: 64 });
        const { logits } = await model.run({ shape: [70, 1, 28, 28], data: new Float32Array(70 * 784) });
        console.log(JSON.stringify([model.threads, model.threadsReason, logits.shape]));`;
      const limited = ["--reuid=65534", "--clear-groups", "prlimit", "--nproc=40"];
      const node = [process.execPath, "--input-type=module", "-e", script];
      const output = execFileSync("setpriv", [...limited, ...node], { encoding: "utf8" });
      const [threads, reason, shape] = JSON.parse(output);
      expect(threads).toBeGreaterThanOrEqual(1);
      expect(threads).toBeLessThan(64);
      expect(reason).toMatch(/the system starts no more/);
      expect(shape).toEqual([70, 10]);
    },
  );

  it("finishes what is under way when disposed, and runs no image at all", async () => {
    const { program, tensors, image } = randomProgram(2);
    const executable = await native.compile(program, tensors, { threads: 2 });
    const under = executable.run(image, 1);
    executable.dispose();
    expect(Object.keys(await under)).toEqual(Object.keys(program.outputs));
    const names = Object.keys(program.outputs);
    const pruned = await native.compile(prune(program, names), tensors, one);
    expect(Object.values(await pruned.run(new Float32Array(0), 0))[0]).toHaveLength(0);
  });
});
