/**
 * Rates of the native backend on this machine, warmed up:
 *
 *   node packages/native/measure.mjs [part of a name] [isa]       after npm run build and build:native
 *
 * Prints 10^9 multiply-adds per second, or milliseconds for whole networks (random weights): of the
 * best run of about a second, and of the median one. "steps" as a third argument: time by step.
 */
import { initialTensors } from "@onebit/train";
import { buildModel } from "onebit/models";
import { pack } from "onebit/pack";
import { forOutputs } from "onebit/program";
import { nativeIsas, nativeWith } from "./dist/index.js";

const [only = "", isa = nativeIsas()[0], detail] = process.argv.slice(2);
const backend = nativeWith({ isa });

const floats = (shape, draw = () => Math.random() - 0.5) => {
  const length = shape.reduce((a, b) => a * b, 1);
  return { type: "float32", shape, data: Float32Array.from({ length }, draw) };
};
const bits = (rows, bytes) => ({
  type: "bits",
  shape: [rows, bytes],
  data: Uint8Array.from({ length: rows * bytes }, () => Math.floor(Math.random() * 256)),
});

function conv(binary, size, channels, out, k, stride = 1) {
  const padding = [(k - 1) / 2, (k - 1) / 2];
  const to = Math.floor((size - 1) / stride) + 1;
  const common = {
    weight: "w",
    out,
    kernel: [k, k],
    stride: [stride, stride],
    padding,
    groups: 1,
    covers: [],
  };
  const signs = { kind: "pointwise", covers: [], input: 0, epilogue: [["bits", 0, "t", 1, 0, -1]] };
  const store = [["store", 0, 2, 0]];
  const step = binary
    ? { ...common, kind: "binary-conv", padValue: 0, input: 1, epilogue: store }
    : { ...common, kind: "conv", input: 0, epilogue: store };
  return {
    name: `${binary ? "binary" : "float"} ${k}x${k} ${channels}->${out} ${size}x${size}/${stride}`,
    program: {
      values: [
        { name: "x", kind: "map", shape: [size, size, channels] },
        { name: "b", kind: "bits", shape: [size, size, channels] },
        { name: "y", kind: "map", shape: [to, to, out] },
      ],
      input: 0,
      steps: [signs, step],
      outputs: { y: 2 },
    },
    tensors: {
      t: floats([channels]),
      w: binary ? bits(out, (k * k * channels) / 8) : floats([out, k, k, channels]),
    },
    macs: to * to * out * k * k * channels,
  };
}

function network(name, threads = 1) {
  return {
    name: `${name}, ${threads} ${threads === 1 ? "thread" : "threads"}`,
    threads,
    make() {
      const graph = buildModel(name);
      const tensors = { ...initialTensors(graph, 0) };
      for (const [key, { kind, role, shape }] of Object.entries(graph.tensors)) {
        // Temperatures of 0: binary weights, as at the end of training.
        if (kind === "mirror") tensors[key] = { shape, data: new Float32Array(1) };
        // Untrained gates saturate, and numbers become denormal: slow arithmetic that training avoids.
        if (role === "gate") tensors[key] = { shape, data: tensors[key].data.map((x) => x / 256) };
      }
      const packed = pack(graph, tensors);
      return { program: forOutputs(packed.program, ["logits"]), tensors: packed.tensors };
    },
  };
}

async function measure(subject) {
  const { program, tensors } = subject.make?.() ?? subject;
  const compileStart = performance.now();
  const executable = await backend.compile(program, tensors, { threads: subject.threads ?? 1 });
  const compileMs = performance.now() - compileStart;
  const size = program.values[program.input].shape.reduce((a, b) => a * b, 1);
  const image = floats([size]).data;
  const times = [];
  const profiles = [];
  const start = performance.now();
  while (performance.now() - start < 1500) {
    const before = performance.now();
    await executable.run(image, 1);
    const wall = performance.now() - before;
    if (performance.now() - start < 300) continue;
    const profile = executable.profile();
    times.push(subject.macs ? profile.at(-1) : wall);
    profiles.push(profile);
  }
  const sorted = [...times].sort((a, b) => a - b);
  const [best, median] = [sorted[0], sorted[sorted.length >> 1]];
  if (subject.macs) {
    const rate = (ms) => (subject.macs / ms / 1e6).toFixed(1).padStart(7);
    console.log(
      `${subject.name.padEnd(36)} best ${rate(best)}   median ${rate(median)} 10^9 multiply-adds/s`,
    );
  } else {
    console.log(
      `${subject.name.padEnd(36)} best ${best.toFixed(2)} ms   median ${median.toFixed(2)} ms   ` +
        `compile ${compileMs.toFixed(1)} ms   arena ${(executable.arenaBytes / 2 ** 20).toFixed(1)} MiB`,
    );
    const inSteps = profiles[times.indexOf(best)].reduce((a, b) => a + b);
    if (detail === "steps") console.log(`best run: ${inSteps.toFixed(2)} ms in steps`);
    if (detail === "steps") printSteps(program, profiles);
  }
  executable.dispose();
}

/** Best time of each step, the slowest first, and by kind. */
function printSteps({ steps, values }, profiles) {
  const best = steps.map((_, i) => Math.min(...profiles.map((p) => p[i])));
  const kinds = {};
  steps.forEach(({ kind }, i) => {
    kinds[kind] = (kinds[kind] ?? 0) + best[i];
  });
  console.log(kinds);
  const order = steps.map((_, i) => i).sort((a, b) => best[b] - best[a]);
  for (const i of order.slice(0, 40)) {
    const { kind, input, out, kernel, epilogue } = steps[i];
    console.log(
      best[i].toFixed(3),
      i,
      kind,
      String(values[input].shape),
      out ?? "",
      String(kernel ?? ""),
      epilogue.map(([op]) => op).join(" "),
    );
  }
}

console.log(`kernels: ${isa}`);
const subjects = [
  conv(true, 14, 256, 256, 3),
  conv(true, 14, 256, 256, 1),
  conv(true, 14, 512, 512, 3),
  conv(true, 14, 512, 512, 1),
  conv(true, 56, 64, 64, 3),
  conv(true, 56, 64, 64, 1),
  conv(true, 28, 128, 128, 3),
  conv(true, 28, 128, 128, 3, 2),
  conv(true, 7, 512, 512, 3),
  conv(true, 7, 1024, 1024, 1),
  conv(true, 112, 32, 32, 3),
  conv(true, 112, 32, 32, 1),
  conv(false, 224, 3, 32, 3, 2),
  conv(false, 28, 64, 64, 3),
  network("bnext-t"),
  network("bnext-t", 2),
  network("reactnet-a"),
];
for (const subject of subjects) if (subject.name.includes(only)) await measure(subject);
