/**
 * Runs the C++ outside Node on random programs, against the reference backend's outputs:
 *
 *   node packages/native/check-cpp.mjs [--programs 400] [--seed 0] [--only address,thread,arm64]
 *
 * (after npm run build; programs as tests draw them, on extreme shapes, and edited by the fuzzer of
 * packages/fuzz as far as the checks let them pass) with the address and undefined-behaviour sanitizers (every value in memory
 * of its own, poisoned bytes between them), with the thread sanitizer, and for ARM under QEMU where
 * aarch64-linux-gnu-g++ and qemu-aarch64 are installed. With the sanitizers the tile instructions
 * of AMX are plain C++ (cpp/test/emulated_tiles.h), which is itself compared with plain matrices.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { reference } from "onebit/reference";
import { expectedOfBatch } from "../core/dist/conformance/check-convolutions.js";
import { extremeProgram } from "../core/dist/conformance/extreme-program.js";
import { randomProgram } from "../core/dist/conformance/random-program.js";
import { soundMutation } from "../fuzz/dist/onebit/sound-mutation.js";
import { encodeProgram } from "./dist/encode.js";
import { build, EMULATED_TILES, findCompiler, root, sources } from "./toolchain.mjs";

const CHECKS = ["address", "thread", "arm64"];
/** What the driver holds in memory at once. */
const CASES_PER_FILE = 1000;

const { values: flags } = parseArgs({
  options: {
    programs: { type: "string", default: "400" },
    seed: { type: "string", default: "0" },
    only: { type: "string", default: CHECKS.join() },
  },
});
const programs = Number(flags.programs);
const firstSeed = Number(flags.seed);
const only = flags.only.split(",");
const folder = mkdtempSync(join(tmpdir(), "onebit-native-"));

/** A program, an image, and what must come out, in the order of its outputs. */
async function randomCase(name, { program, tensors, image }) {
  const executable = await reference.compile(program, tensors, { threads: 1 });
  const outputs = Object.values(await executable.run(image, 1));
  return { name, program, tensors, image, outputs };
}

/** 32 convolutions in one program, and their definition's integers. */
function convolutionCase(seed, wide) {
  const { name, program, tensors, images, batch, outputs } = expectedOfBatch(seed, wide);
  const image = images.subarray(0, images.length / batch.images.length);
  const first = outputs.map((ofImages) => Float32Array.from(ofImages[0]));
  return { name, program, tensors, image, outputs: first };
}

/** Of eight: three random, one on extreme shapes, three edited, and a batch of convolutions. */
async function* cases() {
  for (let seed = firstSeed; seed < firstSeed + programs; seed++) {
    const turn = seed % 8;
    if (turn === 7) yield convolutionCase(seed, seed % 64 === 63);
    else if (turn === 6) yield randomCase(`extreme program ${seed}`, extremeProgram(seed));
    else if (turn < 3) yield randomCase(`random program ${seed}`, randomProgram(seed));
    else yield randomCase(`edited program ${seed}`, await soundMutation(seed));
  }
}

/** The layout that cpp/test/driver.cpp reads. */
function caseWords({ name, program, tensors, image, outputs }) {
  const { code, tensors: data } = encodeProgram(program, tensors);
  const parts = [word(Buffer.byteLength(name)), Buffer.from(name), word(code.length), code];
  parts.push(word(data.length));
  for (const tensor of data) parts.push(word(tensor.byteLength), tensor);
  parts.push(word(image.length), image, word(outputs.length));
  for (const output of outputs) parts.push(word(output.length), output);
  return Buffer.concat(parts.map(wholeWords));
}

const word = (x) => Int32Array.of(x);

function wholeWords({ buffer, byteOffset, byteLength }) {
  const bytes = Buffer.alloc(Math.ceil(byteLength / 4) * 4);
  bytes.set(new Uint8Array(buffer, byteOffset, byteLength));
  return bytes;
}

/** The paths of the files. */
async function writeCases() {
  const files = [];
  let chunk = [];
  const end = () => {
    const file = join(folder, `cases-${files.length}`);
    writeFileSync(file, Buffer.concat([wholeWords(word(chunk.length)), ...chunk]));
    files.push(file);
    chunk = [];
  };
  for await (const one of cases()) {
    chunk.push(caseWords(one));
    if (chunk.length === CASES_PER_FILE) end();
  }
  if (chunk.length > 0) end();
  return files;
}

async function compile(name, { compiler, list, flags, link = [] }) {
  const output = join(folder, name, "driver");
  const common = ["-O0", "-g1", "-fno-omit-frame-pointer", "-pthread"];
  const objects = join(folder, name);
  await build({ compiler, list, link, objects, output, flags: [...common, ...flags] });
  return output;
}

async function check(name, files, { arch, run = [], ...options }) {
  console.log(`${name}:`);
  const list = sources(arch, ["test/driver"]);
  const driver = await compile(name, { ...options, list });
  for (const file of files) execute([...run, driver, file]);
}

/** Reports of sanitizers end the process: then this throws. */
function execute([command, ...rest]) {
  const env = { ...process.env };
  for (const sanitizer of ["ASAN", "UBSAN", "TSAN"])
    env[`${sanitizer}_OPTIONS`] = "halt_on_error=1:abort_on_error=1";
  execFileSync(command, rest, { stdio: "inherit", env });
}

/** The stand-in for AMX against plain matrices; the processor's own too, where it has them. */
async function checkTiles(here, sanitized) {
  const list = (flags) => [{ file: join(root, "cpp/test/tiles.cpp"), flags }];
  console.log("tiles, emulated:");
  execute([await compile("tiles", { ...here, list: list([]), flags: sanitized })]);
  const cpu = readFileSync("/proc/cpuinfo", "utf8");
  if (!/\bamx_int8\b/.test(cpu)) return;
  console.log("tiles of this processor:");
  const own = list(["-mavx512f", "-mamx-tile", "-mamx-int8"]);
  execute([await compile("own-tiles", { ...here, list: own, flags: [] })]);
}

function installed(command) {
  try {
    execFileSync(command, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

try {
  const files = await writeCases();
  const here = { compiler: findCompiler(), arch: process.arch };
  const emulated = process.arch === "x64" ? EMULATED_TILES : [];
  if (only.includes("address")) {
    const sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"];
    const flags = [...sanitizers, ...emulated];
    if (emulated.length > 0) await checkTiles(here, flags);
    await check("address, undefined", files, { ...here, flags });
  }
  if (only.includes("thread")) {
    await check("thread", files, { ...here, flags: ["-fsanitize=thread", ...emulated] });
  }
  const [cross, emulator] = ["aarch64-linux-gnu-g++", "qemu-aarch64"];
  if (!only.includes("arm64")) {
    // Not asked for.
  } else if (installed(cross) && installed(emulator)) {
    const options = { compiler: cross, arch: "arm64", flags: ["-static"], run: [emulator] };
    await check("arm64 under qemu", files, options);
  } else {
    console.log(`arm64: not run, ${cross} or ${emulator} is not installed`);
  }
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true });
}
