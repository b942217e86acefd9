/**
 * Runs the C++ outside Node on random programs, against the reference backend's outputs:
 *
 *   node packages/native/check-cpp.mjs [programs]      after npm run build; default 400
 *
 * with the address and undefined-behaviour sanitizers (every value in memory of its own, poisoned
 * bytes between them), with the thread sanitizer, and for ARM under QEMU where
 * aarch64-linux-gnu-g++ and qemu-aarch64 are installed.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { reference } from "onebit/reference";
import { randomProgram } from "../core/dist/conformance/random-program.js";
import { encodeProgram } from "./dist/encode.js";
import { build, findCompiler, sources } from "./toolchain.mjs";

const programs = Number(process.argv[2] ?? 400);
const folder = mkdtempSync(join(tmpdir(), "onebit-native-"));
const casesFile = join(folder, "cases");

/** The layout that cpp/test/driver.cpp reads. */
async function caseWords(seed) {
  const { program, tensors, image } = randomProgram(seed);
  const executable = await reference.compile(program, tensors, { threads: 1 });
  const outputs = Object.values(await executable.run(image, 1));
  const { code, tensors: data } = encodeProgram(program, tensors);
  const parts = [word(code.length), code, word(data.length)];
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

async function writeCases() {
  const cases = [wholeWords(word(programs))];
  for (let seed = 0; seed < programs; seed++) cases.push(await caseWords(seed));
  writeFileSync(casesFile, Buffer.concat(cases));
}

function check(name, { compiler, arch, flags, run = [] }) {
  console.log(`${name}:`);
  const output = join(folder, name, "driver");
  const options = {
    compiler,
    list: sources(arch, ["test/driver"]),
    link: [],
    objects: join(folder, name),
    output,
  };
  build({ ...options, flags: ["-O1", "-g", "-fno-omit-frame-pointer", "-pthread", ...flags] });
  const [command, ...rest] = [...run, output, casesFile];
  execFileSync(command, rest, {
    stdio: "inherit",
    env: { ...process.env, UBSAN_OPTIONS: "halt_on_error=1" },
  });
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
  await writeCases();
  const here = { compiler: findCompiler(), arch: process.arch };
  check("address, undefined", {
    ...here,
    flags: ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"],
  });
  check("thread", { ...here, flags: ["-fsanitize=thread"] });
  const [cross, emulator] = ["aarch64-linux-gnu-g++", "qemu-aarch64"];
  if (installed(cross) && installed(emulator)) {
    check("arm64 under qemu", {
      compiler: cross,
      arch: "arm64",
      flags: ["-static"],
      run: [emulator],
    });
  } else {
    console.log(`arm64: not run, ${cross} or ${emulator} is not installed`);
  }
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true });
}
