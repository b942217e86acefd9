import { readFile } from "node:fs/promises";
import { MICRO_OP_NAMES } from "onebit/program";
import { describe, expect, it } from "vitest";

describe("micro-ops", () => {
  it("have the numbers of the table of programs in C++ too", async () => {
    const header = await readFile(new URL("../cpp/step.h", import.meta.url), "utf8");
    const body = /enum class Code : int32_t \{(.*?)\}/s.exec(header)?.[1] ?? "";
    const codes = [...body.replace(/\/\*.*?\*\//gs, "").matchAll(/\w+/g)].map(([name]) => name);
    const own = codes.slice(0, codes.indexOf("accumulator"));
    expect(own).toEqual(MICRO_OP_NAMES.map(camelCase));
  });
});

function camelCase(name: string): string {
  return name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}
