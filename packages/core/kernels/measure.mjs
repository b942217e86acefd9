/**
 * Rates of the kernels on this machine, one thread, warmed up:
 *
 *   node packages/core/kernels/measure.mjs [part of a name] [scalar | popcount | lookup]    after npm run build
 *
 * With node --experimental-wasm-relaxed-simd the kernels of that build.
 *
 * Prints 10^9 multiply-adds per second, or 10^-9 seconds per element: of the best run of about a
 * second, and of the median one.
 */
import { compileProgram } from "../dist/runtime/backends/wasm/compile.js";
import { WasmExecutable } from "../dist/runtime/backends/wasm/executable.js";

const bits = (rows, bytes) => ({ type: "bits", shape: [rows, bytes], data: randomBytes(rows * bytes) });
const randomBytes = (n) => Uint8Array.from({ length: n }, () => Math.floor(Math.random() * 256));
const floats = (shape) => {
  const length = shape.reduce((a, b) => a * b, 1);
  return { type: "float32", shape, data: Float32Array.from({ length }, () => Math.random() - 0.5) };
};

function binaryConv(size, channels, out, k, stride = 1, groups = 1) {
  const padding = [(k - 1) / 2, (k - 1) / 2];
  const to = Math.floor((size - 1) / stride) + 1;
  const conv = { kind: "binary-conv", weight: "w", out, kernel: [k, k], stride: [stride, stride], padding, groups, padValue: 0 };
  const row = Math.ceil((k * k * channels) / groups / 8);
  const each = groups === 1 ? "" : ` groups ${groups}`;
  return {
    name: `binary ${k}x${k} ${channels}->${out} ${size}x${size}/${stride}${each}`,
    program: {
      values: [
        { name: "x", kind: "map", shape: [size, size, channels] },
        { name: "b", kind: "bits", shape: [size, size, channels] },
        { name: "y", kind: "map", shape: [to, to, out] },
      ],
      input: 0,
      steps: [
        { kind: "pointwise", covers: [], input: 0, epilogue: [["bits", 0, "t", 1, 0, -1]] },
        { ...conv, covers: [], input: 1, epilogue: [["store", 0, 2, 0]] },
      ],
      outputs: { y: 2 },
    },
    tensors: { t: floats([channels]), w: bits(out, row) },
    macs: (to * to * out * k * k * channels) / groups,
  };
}

function floatConv(size, channels, out, k, stride = 1) {
  const padding = [(k - 1) / 2, (k - 1) / 2];
  const to = Math.floor((size - 1) / stride) + 1;
  return {
    name: `float ${k}x${k} ${channels}->${out} ${size}x${size}/${stride}`,
    program: {
      values: [
        { name: "x", kind: "map", shape: [size, size, channels] },
        { name: "y", kind: "map", shape: [to, to, out] },
      ],
      input: 0,
      steps: [{ kind: "conv", weight: "w", out, kernel: [k, k], stride: [stride, stride], padding, groups: 1, covers: [], input: 0, epilogue: [["store", 0, 1, 0]] }],
      outputs: { y: 1 },
    },
    tensors: { w: floats([out, k, k, channels]) },
    macs: to * to * out * k * k * channels,
  };
}

function linear(inputs, out) {
  return {
    name: `linear ${inputs}->${out}`,
    program: {
      values: [
        { name: "x", kind: "map", shape: [1, 1, inputs] },
        { name: "v", kind: "vector", shape: [1, 1, inputs] },
        { name: "y", kind: "vector", shape: [1, 1, out] },
      ],
      input: 0,
      steps: [
        { kind: "pointwise", covers: [], input: 0, epilogue: [["store", 0, 1, 0]] },
        { kind: "linear", weight: "w", out, covers: [], input: 1, epilogue: [["store", 0, 2, 0]] },
      ],
      outputs: { y: 2 },
    },
    tensors: { w: floats([out, inputs]) },
    macs: inputs * out,
  };
}

/** Passes over a map of 28x28x64; the first one also reads it from further away. */
function pointwise(name, epilogue, channels = 64) {
  const shape = [28, 28, channels];
  return {
    name: `pointwise ${name}`,
    program: {
      values: [
        { name: "x", kind: "map", shape },
        { name: "y", kind: "map", shape },
        { name: "b", kind: "bits", shape },
        { name: "v", kind: "vector", shape: [1, 1, channels] },
      ],
      input: 0,
      steps: [{ kind: "pointwise", covers: [], input: 0, epilogue: [...epilogue, ["store", epilogue.length, 1, 0]] }],
      outputs: { y: 1 },
    },
    tensors: { s: floats([channels]), t: floats([channels]) },
    elements: 28 * 28 * channels,
  };
}

/** Milliseconds of the last step, run after run, for about a second after warming up. */
async function measure({ name, program, tensors, macs, elements }) {
  const executable = await WasmExecutable.instantiate(program, compileProgram(program, tensors, { kernel }));
  const size = program.values[0].shape.reduce((a, b) => a * b, 1);
  const work = macs ? macs * (name.startsWith("binary") ? 1 : 8) : elements * 100;
  const count = Math.max(1, Math.min(64, Math.round(3e8 / work)));
  const images = Float32Array.from({ length: count * size }, () => Math.random() - 0.5);
  const times = [];
  const start = performance.now();
  while (performance.now() - start < 1200) {
    await executable.run(images, count);
    if (performance.now() - start > 300) times.push(executable.profile().at(-1) / count);
  }
  executable.dispose();
  times.sort((a, b) => a - b);
  const figure = (ms) => (macs ? macs / ms / 1e6 : (ms * 1e6) / elements).toFixed(macs ? 1 : 2).padStart(7);
  const unit = macs ? "10^9 multiply-adds/s" : "ns per element";
  console.log(`${name.padEnd(36)} best ${figure(times[0])}   median ${figure(times[times.length >> 1])} ${unit}`);
}

const [, , only = "", kernel] = process.argv;
const cases = [
  binaryConv(14, 256, 256, 3),
  binaryConv(14, 256, 256, 1),
  binaryConv(56, 64, 64, 3),
  binaryConv(56, 64, 64, 1),
  binaryConv(28, 128, 128, 3),
  binaryConv(28, 128, 128, 3, 2),
  binaryConv(7, 512, 512, 3),
  binaryConv(7, 1024, 1024, 1),
  binaryConv(14, 32, 32, 3),
  binaryConv(14, 256, 256, 3, 1, 256),
  binaryConv(14, 256, 16, 3, 1, 8),
  binaryConv(14, 256, 32, 3, 1, 8),
  binaryConv(14, 256, 10, 3),
  floatConv(224, 3, 32, 3, 2),
  floatConv(28, 64, 64, 3),
  linear(1024, 1000),
  linear(64, 16),
  pointwise("store", []),
  pointwise("affine", [["affine", 0, "s", "t"]]),
  pointwise("4 affine", [0, 1, 2, 3].map((r) => ["affine", r, "s", "t"])),
  pointwise("4 prelu", [0, 1, 2, 3].map((r) => ["prelu", r, "s"])),
  pointwise("sigmoid", [["sigmoid", 0]]),
  pointwise("bits, store", [["bits", 0, "t", 2, 0, -1]]),
  pointwise("mean, store", [["mean", 0, 3, 0]]),
];
for (const one of cases) if (one.name.includes(only)) await measure(one);
