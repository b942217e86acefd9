import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../../../", import.meta.url));

describe("a new micro-op", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "onebit-micro-op-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** C++ has its own: packages/native/src/encode.test.ts compares the numbers. Whole numbers in C refuse it by name. */
  it("does not compile before every backend, both ways of packing and C in floats have it", async () => {
    await cp(join(root, "tsconfig.base.json"), join(folder, "tsconfig.base.json"));
    for (const name of ["core", "convert"]) {
      for (const part of ["src", "tsconfig.json", "package.json"]) {
        const path = join("packages", name, part);
        await cp(join(root, path), join(folder, path), { recursive: true });
      }
    }
    await mkdir(join(folder, "node_modules"));
    for (const name of ["@types", "onnxruntime-common", "onnxruntime-node", "sharp"]) {
      await symlink(resolve(root, "node_modules", name), join(folder, "node_modules", name));
    }
    await symlink(join(folder, "packages", "core"), join(folder, "node_modules", "onebit"));
    const table = join(folder, "packages", "core", "src", "program", "micro-ops.ts");
    const before = await readFile(table, "utf8");
    const after = before.replace("} as const satisfies", '  abs: ["register"],\n$&');
    expect(after).not.toBe(before);
    await writeFile(table, after);
    expect(await filesWithErrors(folder)).toEqual([
      "convert/src/c/float-epilogue.ts",
      "core/src/pack/element-wise.ts",
      "core/src/runtime/backends/reference/micro-ops.ts",
      "core/src/runtime/backends/wasm/codegen/micro-op-code.ts",
      "core/src/runtime/backends/webgpu/micro-ops.ts",
    ]);
  }, 60_000);
});

/** Of convert, and of core that it needs. */
async function filesWithErrors(folder: string): Promise<string[]> {
  const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
  const words = [tsc, "-b", join("packages", "convert")];
  const output = await promisify(execFile)(process.execPath, words, { cwd: folder }).then(
    () => "",
    (error: { stdout: string }) => error.stdout,
  );
  return [
    ...new Set([...output.matchAll(/^packages\/([^(]+)\(/gm)].map(([, file]) => file)),
  ].sort();
}
