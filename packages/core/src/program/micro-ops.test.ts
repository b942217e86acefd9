import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
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

  /** C++ has its own: packages/native/src/encode.test.ts compares the numbers. */
  it("does not compile before every backend and both ways of packing have it", async () => {
    await cp(join(root, "tsconfig.base.json"), join(folder, "tsconfig.base.json"));
    await symlink(resolve(root, "node_modules"), join(folder, "node_modules"));
    const core = join(folder, "packages", "core");
    for (const part of ["src", "tsconfig.json", "package.json"]) {
      await cp(join(root, "packages", "core", part), join(core, part), { recursive: true });
    }
    const table = join(core, "src", "program", "micro-ops.ts");
    const before = await readFile(table, "utf8");
    const after = before.replace("} as const satisfies", '  abs: ["register"],\n$&');
    expect(after).not.toBe(before);
    await writeFile(table, after);
    expect(await filesWithErrors(core)).toEqual([
      "src/conformance/step-bounds.ts",
      "src/pack/element-wise.ts",
      "src/runtime/backends/reference/micro-ops.ts",
      "src/runtime/backends/wasm/codegen/micro-op-code.ts",
      "src/runtime/backends/webgpu/epilogue.ts",
    ]);
  });
});

async function filesWithErrors(core: string): Promise<string[]> {
  const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
  const run = promisify(execFile)(process.execPath, [tsc, "-p", core, "--noEmit"], { cwd: core });
  const output = await run.then(
    () => "",
    (error: { stdout: string }) => error.stdout,
  );
  return [...new Set([...output.matchAll(/^(src\/[^(]+)\(/gm)].map(([, file]) => file))].sort();
}
