import { readFile } from "node:fs/promises";
import { MICRO_OP_NAMES } from "onebit/program";
import { describe, expect, it } from "vitest";
import { type Addon, checked } from "./addon.js";
import { ENCODING } from "./encode.js";

describe("micro-ops", () => {
  it("have the numbers of the table of programs in C++ too", async () => {
    const header = await readFile(new URL("../cpp/step.h", import.meta.url), "utf8");
    const body = /enum class Code : int32_t \{(.*?)\}/s.exec(header)?.[1] ?? "";
    const codes = [...body.replace(/\/\*.*?\*\//gs, "").matchAll(/\w+/g)].map(([name]) => name);
    const own = codes.slice(0, codes.indexOf("accumulator"));
    expect(own).toEqual(MICRO_OP_NAMES.map(camelCase));
  });
});

describe("an addon", () => {
  it("of another version is told apart, with what to do", () => {
    expect(checked({} as Addon, "of another version")).toEqual({ reason: "of another version" });
    const addon = { encoding: ENCODING } as Addon;
    expect(checked(addon, "")).toEqual({ addon });
  });

  it("reads the form of this version", async () => {
    const header = await readFile(new URL("../cpp/program.h", import.meta.url), "utf8");
    expect(header).toContain(`kEncoding = ${ENCODING};`);
  });
});

function camelCase(name: string): string {
  return name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}
