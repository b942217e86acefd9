/**
 * npm run bench:c -- --data DIR: CPU milliseconds of an image with models/fashion-mnist.onebit as C, in floats and in
 * whole numbers, by compiler options, in turns with the native backend's scalar kernels; 10,000 images a turn.
 *
 *   --data DIR    Fashion-MNIST's t10k files, gzipped
 *   --rounds N    turns (default: 5)
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { gunzipSync } from "node:zlib";
import { load } from "onebit";
import { median } from "../packages/cli/dist/bench/latency.js";
import { machine } from "../packages/cli/dist/machine.js";

const { values: given } = parseArgs({
  options: { data: { type: "string" }, rounds: { type: "string", default: "5" } },
});
if (!given.data) throw new Error("--data DIR: the folder of Fashion-MNIST's t10k files");
const network = join(import.meta.dirname, "../models/fashion-mnist.onebit");
const folder = mkdtempSync(join(tmpdir(), "onebit-bench-c-"));
const FLAGS = ["-O2", "-O2 -mpopcnt", "-O3 -march=native -fno-trapping-math"];

try {
  const [images, labels] = ["images-idx3", "labels-idx1"].map(unpacked);
  const competitors = [
    ...["float", "integer"].flatMap((form) => FLAGS.map((flags) => compiled(form, flags))),
    await scalar(images),
  ];
  for (let round = 0; round < Number(given.rounds); round++) {
    for (const one of competitors) one.times.push(await one.run(images, labels));
  }
  console.log(
    `${machine().cpu}, ${execFileSync("cc", ["--version"], { encoding: "utf8" }).split("\n")[0]}\n`,
  );
  console.log("| what | CPU ms, median | least to most | of 10,000 right |\n|---|---|---|---|");
  for (const { name, times, right } of competitors) {
    const range = `${Math.min(...times).toFixed(2)} to ${Math.max(...times).toFixed(2)}`;
    console.log(`| ${name} | ${median(times).toFixed(2)} | ${range} | ${right ?? ""} |`);
  }
} finally {
  rmSync(folder, { recursive: true });
}

function unpacked(kind) {
  const path = join(folder, kind);
  writeFileSync(path, gunzipSync(readFileSync(join(given.data, `t10k-${kind}-ubyte.gz`))));
  return path;
}

function compiled(form, flags) {
  const sources = join(folder, `${form} ${flags}`);
  const onebit = join(import.meta.dirname, "../packages/cli/bin/onebit.js");
  const how = form === "integer" ? ["--integer"] : [];
  const exported = ["export", network, "--to", "c", ...how, "-o", sources, "--name", "net"];
  execFileSync(process.execPath, [onebit, ...exported], { stdio: ["ignore", "ignore", "inherit"] });
  const program = join(sources, "host");
  const host = join(import.meta.dirname, "bench/c-host.c");
  const options = ["-std=c99", ...flags.split(" "), "-ffp-contract=off", "-I", sources];
  execFileSync("cc", [...options, host, join(sources, "net.c"), "-o", program, "-lm"]);
  const one = { name: `C, ${form}, ${flags}`, times: [] };
  one.run = (...files) => {
    const [time, right] = execFileSync(program, files, { encoding: "utf8" }).split(" ").map(Number);
    one.right = right;
    return time;
  };
  return one;
}

async function scalar(path) {
  process.env.ONEBIT_NATIVE_ISA = "scalar";
  const model = await load(readFileSync(network), { backend: "native", threads: 1 });
  const pixels = readFileSync(path).subarray(16);
  const images = Array.from({ length: 10_000 }, (_, i) => {
    const data = Float32Array.from(pixels.subarray(784 * i, 784 * (i + 1)), (x) => x / 255);
    return { shape: [1, 1, 28, 28], data };
  });
  for (const x of images.slice(0, 200)) await model.run({ x });
  const run = async () => {
    const before = process.cpuUsage();
    for (const x of images) await model.run({ x });
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1e3 / images.length;
  };
  return { name: "native backend, scalar kernels", times: [], run };
}
