import { execFile } from "node:child_process";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { meanModel } from "../test-support/mean-model.js";

it("auto that ends at the reference says so once, with the reasons", async () => {
  const folder = await mkdtemp(join(tmpdir(), "onebit-fallback-"));
  // The package as a careless bundler leaves it: without the kernels.
  for (const part of ["dist", "package.json"]) {
    const from = fileURLToPath(new URL(`../../${part}`, import.meta.url));
    await cp(from, join(folder, part), { recursive: true });
  }
  await writeFile(join(folder, "mean.onebit"), await meanModel());
  const code = `
    const { load } = await import(${JSON.stringify(pathToFileURL(join(folder, "dist/index.js")))});
    for (const threads of [1, 2]) {
      const model = await load(${JSON.stringify(join(folder, "mean.onebit"))}, { threads });
      console.log(model.backend, Object.keys(model.backendReasons).join());
    }`;
  const node = promisify(execFile);
  const { stdout, stderr } = await node(process.execPath, ["--input-type=module", "-e", code], {
    cwd: folder,
  });
  expect(stdout).toBe("reference native,wasm\nreference native,wasm\n");
  const lines = stderr.trimEnd().split("\n");
  expect(lines[0]).toMatch(/^onebit: networks run on the reference backend, which is slow/);
  expect(lines[1]).toBe("  native: not installed: install @onebit/native as onebit was");
  expect(lines[2]).toMatch(
    /^ {2}wasm: the kernels cannot be read: .*(simd|relaxed)\.wasm.*; reinstall onebit/,
  );
  expect(lines).toHaveLength(3);
  await rm(folder, { recursive: true });
});

it("browsers that have SIMD and nothing of ES2023 are quick too", async () => {
  const newer = ["toReversed", "toSorted", "toSpliced", "with", "findLast", "findLastIndex"];
  const index = new URL("../../dist/index.js", import.meta.url);
  const model = fileURLToPath(new URL("../../../../models/fashion-mnist.onebit", import.meta.url));
  const code = `
    for (const Class of [Array, Object.getPrototypeOf(Uint8Array)]) {
      for (const name of ${JSON.stringify(newer)}) delete Class.prototype[name];
    }
    const { load } = await import("${index}");
    const model = await load(${JSON.stringify(model)}, { backend: "wasm" });
    const [best] = await model.classify({ data: new Uint8Array(28 * 28), width: 28, height: 28 });
    console.log(model.backend, best.label.length > 0);
    model.dispose();`;
  const run = promisify(execFile)(process.execPath, ["--input-type=module", "-e", code]);
  expect((await run).stdout).toBe("wasm true\n");
});
