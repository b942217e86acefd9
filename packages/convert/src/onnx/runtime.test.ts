import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { OnebitError } from "onebit";
import { withTemporaryFolder } from "onebit/node";
import { describe, expect, it } from "vitest";
import { checkedRuntime, installCommand, loadOnnxRuntime, onnxRuntimeVersion } from "./runtime.js";
import type { OnnxRuntime } from "./runtime-types.js";

const packages = fileURLToPath(new URL("../../..", import.meta.url));

/** What loading says in a project whose onnxruntime-node consists of these files. */
function failureWith(files: { readonly [path: string]: string }): Promise<unknown> {
  return withTemporaryFolder(async (project) => {
    for (const [path, text] of Object.entries(files)) {
      const file = join(project, "node_modules", "onnxruntime-node", path);
      mkdirSync(join(file, ".."), { recursive: true });
      writeFileSync(file, text);
    }
    const require = createRequire(join(project, "index.js"));
    return checkedRuntime("training", async () => require("onnxruntime-node")).catch(
      (error) => error,
    );
  });
}

const binding = `bin/${process.platform}/onnxruntime_binding.node`;

describe("ONNX Runtime", () => {
  it("loads, and says its version", async () => {
    expect(onnxRuntimeVersion(await loadOnnxRuntime("this"))).toMatch(/^1\.\d+\.\d+$/);
  });

  it.each([
    [
      "not installed",
      {},
      /^training needs ONNX Runtime, which is not installed. Install it:\n {2}npm install onnxruntime-node(\n|$)/,
    ],
    [
      "too old",
      { "index.js": `exports.env = { versions: { node: "1.17.3" } };` },
      /needs ONNX Runtime 1.\d+ or later; installed is 1.17.3. .*\n {2}npm install onnxruntime-node(\n|$)/,
    ],
    [
      "so old that it does not say its version",
      { "index.js": "exports.env = {};" },
      /installed is one that does not say its version/,
    ],
    [
      "without a build for this machine",
      { "index.js": `require("./${binding}");` },
      /holds no build for \w+-\w+\. Packed networks need none/,
    ],
    [
      "damaged",
      { "index.js": `require("./${binding}");`, [binding]: "not a library" },
      /cannot be loaded on \w+-\w+: [\s\S]*Install it anew:\n {2}npm install onnxruntime-node(\n|$)/,
    ],
    [
      "half installed",
      { "index.js": `require("onnxruntime-common");` },
      /cannot be loaded on \w+-\w+: Cannot find module 'onnxruntime-common'/,
    ],
  ])("%s: says what is wrong and what to do", async (_, files, message) => {
    const error = (await failureWith(files)) as Error;
    expect(error).toBeInstanceOf(OnebitError);
    expect(error.message).toMatch(message);
  });

  it.runIf(process.platform === "linux")("says what to set without NuGet", async () => {
    const { message } = (await failureWith({})) as Error;
    expect(message).toContain("ONNXRUNTIME_NODE_INSTALL=skip npm install onnxruntime-node");
  });

  it("is installed where the one who asks is", async () => {
    await withTemporaryFolder(async (folder) => {
      const module = (...path: string[]) =>
        join(folder, ...path, "node_modules", "@onebit", "convert", "runtime.js");
      mkdirSync(join(folder, "project"));
      writeFileSync(join(folder, "project", "package.json"), "{}");
      expect(installCommand(module("project"))).toBe("npm install onnxruntime-node");
      expect(installCommand(module("lib"))).toBe("npm install --global onnxruntime-node");
      expect(installCommand(module("_npx", "0123"))).toBe(
        "npm install @onebit/cli onnxruntime-node",
      );
      expect(installCommand(join(folder, "packages", "convert", "runtime.js"))).toBe(
        "npm install onnxruntime-node",
      );
    });
  });

  it("is an optional peer of those that use it, from the oldest version that does", async () => {
    const old = { env: { versions: { node: "1.0.0" } } } as unknown as OnnxRuntime;
    const { message } = await checkedRuntime("this", async () => old).catch((error) => error);
    for (const name of ["convert", "train", "cli"]) {
      const file = readFileSync(join(packages, name, "package.json"), "utf8");
      const { peerDependencies, peerDependenciesMeta } = JSON.parse(file);
      expect(peerDependenciesMeta["onnxruntime-node"]).toEqual({ optional: true });
      const [, oldest] = /^\^(\d+\.\d+)\.0$/.exec(peerDependencies["onnxruntime-node"])!;
      expect(message).toContain(`needs ONNX Runtime ${oldest} or later`);
    }
  });

  it("is imported by one file of the product", () => {
    const sources = readdirSync(packages)
      .flatMap((name) => filesIn(join(packages, name, "src")))
      .filter((path) => path.endsWith(".ts") && !/\.test\.ts$|[\\/]test-support[\\/]/.test(path));
    const imports = /(?:import|from|require|resolve)\s*\(?\s*["']onnxruntime-node/;
    const importing = sources.filter((path) => imports.test(readFileSync(path, "utf8")));
    expect(importing).toEqual([join(packages, "convert", "src", "onnx", "runtime.ts")]);
  });
});

function filesIn(folder: string): string[] {
  const paths = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return paths.map((path) => `${folder}${sep}${path}`);
}
