import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { storedFloat32, writeSafetensors } from "onebit/file";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { tinyBnext } from "../../packages/cli/src/test-support/networks.js";
import { bytesIn, Project, type Result, root, tarballs } from "./project.js";

/** docs/installing.md states them too. */
const CEILINGS = { onebit: 5e6, "@onebit/cli": 60e6 };

const folder = mkdtempSync(join(tmpdir(), "onebit-packages-"));
/** Installing and compiling, on a busy machine. */
const PATIENCE = 300_000;

const classify = "run net.onebit photo.png";
const compare = "verify net.onebit --against net.onnx";
const fashion = join(root, "models", "fashion-mnist.onebit");
let packed: ReadonlyMap<string, string>;
let project: Project;
const file = (name: string) => packed.get(name)!;

beforeAll(async () => {
  packed = await tarballs(folder);
  project = new Project(join(folder, "project"));
  const grey = sharp(Buffer.alloc(28 * 28, 200), { raw: { width: 28, height: 28, channels: 1 } });
  const photo = await grey.png().toBuffer();
  for (const name of ["photo", "data/test/bag/0", "data/test/boot/1"]) {
    project.write(`${name}.png`, photo);
  }
  project.write("labels.txt", "bag\nboot\ncoat\ndress\n");
  const stored = Object.entries(tinyBnext().tensors).map(([key, { shape, data }]) => [
    key,
    storedFloat32(shape, data),
  ]);
  const checkpoint = writeSafetensors({ metadata: {}, tensors: Object.fromEntries(stored) });
  project.write("checkpoint.safetensors", checkpoint);
}, PATIENCE);
afterAll(() => rmSync(folder, { recursive: true, force: true }), PATIENCE);

it("carry a README, and a licence once packed for publishing; nothing of the build, no tests", async () => {
  for (const tarball of packed.values()) {
    const { stdout } = await project.run("tar", ["-tzf", tarball]);
    const paths = stdout.trim().split("\n");
    expect(paths).toContain("package/README.md");
    expect(paths.includes("package/LICENSE")).toBe(process.env.ONEBIT_PACKAGES !== undefined);
    const leftovers = /\.map$|tsbuildinfo|\.test\.|test-support|\.o$|\.node$/;
    expect(paths.filter((path) => leftovers.test(path))).toEqual([]);
  }
});

// One project, to which package after package is added: installing is what takes the time.

describe("onebit alone", () => {
  beforeAll(() => project.install(file("onebit")), PATIENCE);

  it("is small, and brings nothing with it", () => {
    expect(readdirSync(project.path("node_modules")).filter((name) => name[0] !== ".")).toEqual([
      "onebit",
    ]);
    expect(bytesIn(project.path("node_modules", "onebit"))).toBeLessThan(CEILINGS.onebit);
  });

  it("classifies", async () => {
    project.write(
      "classify.js",
      `import { load } from "onebit";
      const model = await load(${JSON.stringify(fashion)});
      const data = new Uint8Array(28 * 28).fill(200);
      const [best] = await model.classify({ data, width: 28, height: 28 }, { top: 1 });
      console.log(model.backend, best.label);
      model.dispose();`,
    );
    const result = await project.run("node", ["classify.js"]);
    expect(result).toMatchObject({ stdout: "wasm Bag\n", stderr: "" });
  });

  it("says where the command line is", async () => {
    const { status, stderr } = await project.run("npx", ["onebit", "--version"]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/@onebit\/cli: install it as onebit\s+was .*npx onebit --help/s);
  });
});

describe("the command line, without ONNX Runtime and without @onebit/native", () => {
  const works: readonly (readonly [line: string, expected: RegExp])[] = [
    ["import checkpoint.safetensors -o net.safetensors --input 1x8x8 --labels labels.txt", /1-bit/],
    ["import checkpoint.safetensors -o direct.onebit --input 1x8x8 --labels labels.txt", /1-bit/],
    ["pack net.safetensors -o net.onebit", /net\.onebit/],
    ["run net.onebit photo.png", /photo\.png/],
    ["explain net.onebit", /binary_conv/],
    ["summary net.onebit", /parameters/],
    ["models", /reactnet-a/],
    ["data folder:data", /2 test/],
    ["eval net.onebit --data folder:data", /top-1/],
    ["export net.onebit --to onnx -o net.onnx", /net\.onnx/],
    ["verify net.onebit --against direct.onebit", /the same network/],
  ];
  const needs = [
    "train plain --data glyphs --out run",
    "eval net.safetensors --data folder:data",
    "verify net.onebit --against net.safetensors",
    "verify net.onebit --against net.onnx",
    "run net.onnx photo.png",
    "bench net.onebit --against onnxruntime",
    "bench bnext-nano --train",
    "quickstart --out run",
  ];
  const lines = [...works.map(([line]) => line), ...needs];
  let results: ReadonlyMap<string, Result>;
  beforeAll(async () => {
    await project.install(file("@onebit/convert"), file("@onebit/train"), file("@onebit/cli"));
    const all = await project.commands(lines);
    results = new Map(lines.map((line, i) => [line, all[i]]));
  }, PATIENCE);

  it("is as small as is said, and runs no script when it is installed", () => {
    expect(existsSync(project.path("node_modules", "onnxruntime-node"))).toBe(false);
    expect(bytesIn(project.path("node_modules"))).toBeLessThan(CEILINGS["@onebit/cli"]);
    // So it fetches from npm alone, and needs no compiler.
    expect(project.read("package-lock.json")).not.toContain("hasInstallScript");
  });

  it("starts without a word of npm's", async () => {
    const { status, stdout, stderr } = await project.run("npx", ["onebit", "--version"]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it.each(works)("onebit %s", (line, expected) => {
    const { status, stdout, stderr } = results.get(line)!;
    expect({ status, stderr }).toMatchObject({ status: 0 });
    expect(stdout).toMatch(expected);
  });

  it.each(needs)("onebit %s: says how to install what it needs", (line) => {
    const { status, stderr } = results.get(line)!;
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /needs ONNX Runtime, which is not installed. Install it:\n {2}npm install onnxruntime-node\n/,
    );
    expect(existsSync(project.path("run"))).toBe(false);
  });

  it("measures without a peer, and says so", async () => {
    const { status, stdout, stderr } = await project.onebit("bench net.onebit");
    expect(status).toBe(0);
    expect(stdout).toMatch(/^onebit wasm/m);
    expect(stderr).toContain("npm install onnxruntime-node");
  });

  it("does without sharp's library what needs no pictures", async () => {
    renameSync(project.path("node_modules", "@img"), project.path("img"));
    try {
      const [models, { status, stderr }] = await project.commands(["models", classify]);
      expect([models.status, status]).toEqual([0, 1]);
      expect(stderr).toMatch(
        /pictures need the package sharp.*\n {2}npm install --include=optional sharp\n/,
      );
    } finally {
      renameSync(project.path("img"), project.path("node_modules", "@img"));
    }
  });
});

describe("all packages together", () => {
  beforeAll(() => project.install(file("@onebit/native")), PATIENCE);

  it("have one command onebit, the command line's", async () => {
    const bin = project.path("node_modules", ".bin");
    const commands = readdirSync(bin).filter((name) => name.startsWith("onebit"));
    expect(commands).toEqual(["onebit", "onebit-library"]);
    expect(readlinkSync(join(bin, "onebit"))).toContain("@onebit/cli");
    expect(await project.run("npm", ["ls", "--all"])).toMatchObject({ status: 0 });
  });

  it("say how the native backend is had, and go on without it", async () => {
    const lines = [`${classify} --backend native`, classify];
    const [native, auto] = await project.commands(lines);
    expect([native.status, auto.status]).toEqual([1, 0]);
    expect(native.stderr).toMatch(/not built for \w+-\w+: node "\S+build\.mjs" builds it/);
  });

  it("say on a platform that nothing was built for what is missing", async () => {
    project.borrow("onnxruntime-node");
    const change = encodeURIComponent("Object.defineProperty(process,'arch',{value:'riscv64'})");
    const env = { NODE_OPTIONS: `--import data:text/javascript,${change}` };
    const lines = ["explain net.onebit", classify, "explain net.onebit --backend native", compare];
    const [explained, picture, native, compared] = await project.commands(lines, env);
    expect(explained).toMatchObject({ status: 0 });
    expect(picture.stderr).toMatch(/does not load here \(.*riscv64/);
    expect(native.stderr).toMatch(/not built for \w+-riscv64/);
    expect(compared.stderr).toMatch(/onnxruntime-node holds no build for \w+-riscv64/);
  });

  it("find ONNX Runtime once it is there", async () => {
    expect((await project.onebit(compare)).stdout).toMatch(/the same network/);
    rmSync(project.path("node_modules", "onnxruntime-node"));
  });

  const build = () => [project.path("node_modules", "@onebit", "native", "build.mjs")];

  it("say without a compiler that one is missing", async () => {
    mkdirSync(project.path("bin"));
    symlinkSync(process.execPath, project.path("bin", "node"));
    const env = { PATH: project.path("bin"), CXX: "" };
    const { status, stderr } = await project.run("node", build(), env);
    expect(status).toBe(1);
    expect(stderr).toMatch(/no C\+\+ compiler found \(tried .*\): .*WebAssembly/);
  });

  it("say what a compiler says that is too old, and which one CXX lacks; nothing is left behind", async () => {
    const old = '#!/bin/sh\ncase "$*" in *c++20*) echo "unknown -std=c++20" >&2; exit 1;; esac\n';
    project.write("old", old);
    chmodSync(project.path("old"), 0o755);
    const { status, stderr } = await project.run("node", build(), { CXX: project.path("old") });
    expect(status).toBe(1);
    expect(stderr).toMatch(/old failed:\nunknown -std=c\+\+20\nIt takes a compiler of C\+\+20/);
    const missing = await project.run("node", build(), { CXX: "no-such-g++" });
    expect(missing.stderr).toMatch(/CXX names "no-such-g\+\+", which does not run: .*WebAssembly/);
    const dist = readdirSync(project.path("node_modules", "@onebit", "native", "dist"));
    expect(dist.filter((name) => !/\.(js|d\.ts)$/.test(name))).toEqual([]);
  });

  it("have all that the native backend is compiled from", async () => {
    if ((await project.run("c++", ["--version"])).status !== 0) {
      if (process.env.CI) throw new Error("no C++ compiler: install g++");
      return console.log("skipped: no C++ compiler here");
    }
    // Reads every source and header, and leaves the minutes of compiling out.
    const reader =
      '#!/bin/sh\ncase "$*" in *" -c "*) exec c++ -E "$@";; *) exec touch "$0.linked";; esac\n';
    project.write("reader", reader);
    chmodSync(project.path("reader"), 0o755);
    const { stderr } = await project.run("node", build(), { CXX: project.path("reader") });
    expect(existsSync(project.path("reader.linked")), stderr).toBe(true);
  });
});

describe("TypeScript", () => {
  beforeAll(() => {
    const imports = [...packed.keys()].flatMap(importsOf);
    project.write(
      "use.ts",
      `${imports.map((path, i) => `import * as m${i} from "${path}";`).join("\n")}
      import { load } from "onebit";
      export const all = [${imports.map((_, i) => `m${i}`).join(", ")}];
      // @ts-expect-error: the types are real
      export const wrong: Promise<string> = load("a.onebit");`,
    );
  });

  it.each([
    ["bundler", "esnext", "es2022,dom"],
    ["node16", "node16", "es2022,dom"],
    ["nodenext", "nodenext", "es2022,dom"],
    ["nodenext", "nodenext", "es2022"],
  ])(
    "checks the declarations too, with moduleResolution %s, module %s and lib %s",
    async (resolution, module, lib) => {
      expect(existsSync(project.path("node_modules", "onnxruntime-node"))).toBe(false);
      const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
      const strict = ["--noEmit", "--strict", "--skipLibCheck", "false", "--target", "es2022"];
      const how = [
        "--types",
        "",
        "--lib",
        lib,
        "--module",
        module,
        "--moduleResolution",
        resolution,
      ];
      const result = await project.run("node", [tsc, ...strict, ...how, "use.ts"]);
      expect(result).toEqual({ status: 0, stdout: "", stderr: "" });
    },
  );
});

/** What package.json lets one import. */
function importsOf(name: string): string[] {
  const { exports } = JSON.parse(project.read(`node_modules/${name}/package.json`));
  return Object.keys(exports ?? {}).map((path) => name + path.slice(1));
}

describe("installed globally", () => {
  it("all packages have one command, which says how it is completed", {
    timeout: PATIENCE,
  }, async () => {
    const prefix = join(folder, "global");
    const words = ["install", "--global", "--prefix", prefix, "--prefer-offline", "--no-audit"];
    const installed = await project.run("npm", [...words, "--no-fund", ...packed.values()]);
    expect(installed).toMatchObject({ status: 0, stderr: "" });
    expect(readdirSync(join(prefix, "bin"))).toEqual(["onebit", "onebit-library"]);
    const command = join(prefix, "bin", "onebit");
    expect(await project.run(command, ["--version"])).toMatchObject({ status: 0, stderr: "" });
    // sharp lies with the command line alone.
    const ran = await project.run(command, ["run", fashion, "photo.png"]);
    expect(ran).toMatchObject({ status: 0, stderr: "" });
    const { stderr } = await project.run(command, ["train", "--data", "glyphs", "--out", "run"]);
    expect(stderr).toContain("\n  npm install --global onnxruntime-node\n");
  });
});
