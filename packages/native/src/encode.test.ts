import { readFile } from "node:fs/promises";
import { MAX_THREADS } from "onebit";
import { MICRO_OP_NAMES } from "onebit/program";
import { describe, expect, it } from "vitest";
import { type Addon, checked } from "./addon.js";
import { ENCODING, HEAD, OP, STEP, STEP_KINDS, VALUE, VALUE_KINDS } from "./encode.js";

const read = (file: string) => readFile(new URL(file, import.meta.url), "utf8");
const withoutComments = (text: string) => text.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, "");
const cpp = async (file: string) => withoutComments(await read(`../cpp/${file}`));

async function members(name: string): Promise<string[]> {
  const body = new RegExp(`enum class ${name} : int32_t \\{(.*?)\\}`, "s");
  return body.exec(await cpp("step.h"))![1].match(/\w+/g)!;
}

describe("C++ and TypeScript agree on", () => {
  it("the numbers of micro-ops", async () => {
    const table = await cpp("micro-ops.h");
    const names = [...table.matchAll(/^ {2}(?:HANDLED|COMPUTED)\((\w+)/gm)].map(([, name]) => name);
    expect(names).toEqual(MICRO_OP_NAMES.map(camelCase));
  });

  it("the kinds of steps and values", async () => {
    expect(await members("StepKind")).toEqual(STEP_KINDS.map(camelCase));
    // Compilation makes 16-bit integers of some maps.
    expect(await members("ValueKind")).toEqual([...VALUE_KINDS, "integers"]);
  });

  it("what a program, a value, a step and an op hold, in which order", async () => {
    const source = await cpp("program.cpp");
    const between = (from: string, to: string) => source.split(from)[1].split(to)[0];
    const named = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, x]) => x);
    const op = between("RawOp readOp(", "return op;");
    expect(named(op, /(?:op\.|int32_t )(\w+) = reader\.next/g)).toEqual([...OP]);
    const step = between("RawStep readStep(", "return step;");
    const fields = named(step, /step\.(\w+)(?= =|[,}])|int32_t (?:ops) =/g);
    expect(fields.map((field) => field ?? "ops")).toEqual([...STEP]);
    const program = between("Program decodeProgram(", "Value outputShape(");
    const [head, value] = program.split("for (int32_t i = 0; i < values; i++) {");
    expect(named(head, /(?:program\.|int32_t )(\w+) = reader\.next/g)).toEqual([...HEAD]);
    const [, pushed] = /push_back\(\{(.*?)\}\)/.exec(value)!;
    // The last is read where it is pushed.
    expect(pushed.split(", ")).toEqual([...VALUE.slice(0, -1), "reader.next()"]);
    expect(named(value, /(?:auto|int32_t) (\w+) = /g).slice(0, 3)).toEqual(VALUE.slice(0, -1));
  });

  it("the addon's functions and their arguments", async () => {
    const declared = withoutComments(await read("addon.ts")).split("interface Addon {")[1];
    const signatures = [...declared.split("\n}")[0].matchAll(/^ {2}(\w+)\((.*?)\):/gms)];
    const source = await read("../cpp/addon.cpp");
    const defined = [...source.matchAll(/define<(\w+)>\(env, exports, "(\w+)"\)/g)];
    expect(defined.map(([, , name]) => name)).toEqual(signatures.map(([, name]) => name));
    for (const [, name, list] of signatures) {
      const parameters = [...list.matchAll(/(\w+): /g)].map(([, parameter]) => parameter);
      const [, body] = new RegExp(`^napi_value ${name}\\(.*?\\{(.*?)^\\}`, "ms").exec(source)!;
      const count = Number(/argumentsOf<(\d+)>/.exec(body)?.[1] ?? 0);
      expect(count, name).toBe(parameters.length);
      const told = new RegExp(`\\b${name}\\((\\w+(?:, \\w+)+)\\)`).exec(source.split(body)[0])?.[1];
      if (parameters.length > 1) expect(told, name).toBe(parameters.join(", "));
    }
    expect(source).toContain(`kMostThreads = ${MAX_THREADS};`);
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
