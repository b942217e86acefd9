/**
 * node packages/core/kernels/search-module.mjs: compiles distances.ts, which is no part of what every page loads, and
 * writes it as text into src/search/module.ts.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import asc from "assemblyscript/asc";

const folder = import.meta.dirname;
const OPTIONS =
  "--runtime stub --noAssert --importMemory --noExportMemory --initialMemory 1 --enable simd -O3";

/** The module in base64. */
export async function searchModule() {
  let bytes;
  const { error, stderr } = await asc.main(
    ["distances.ts", "--outFile", "distances.wasm", ...OPTIONS.split(" ")],
    {
      // Not asconfig.json, which is of the kernels that every page loads.
      readFile: (name) => (name === "asconfig.json" ? null : readFile(join(folder, name))),
      writeFile: (_, contents) => {
        bytes = contents;
      },
      listFiles: () => [],
      baseDir: folder,
    },
  );
  if (error) throw new Error(`${error.message}\n${stderr}`);
  return Buffer.from(bytes).toString("base64");
}

function readFile(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

if (process.argv[1] === import.meta.filename) {
  const text = `/** kernels/distances.ts, compiled: node packages/core/kernels/search-module.mjs writes it. */
export const MODULE =
  "${await searchModule()}";
`;
  writeFileSync(join(folder, "../src/search/module.ts"), text);
}
