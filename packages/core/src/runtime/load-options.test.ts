import { expect, it } from "vitest";
import { UsageError } from "../errors.js";
import { meanModel } from "../test-support/mean-model.js";
import { load } from "./load.js";

const bytes = meanModel();

it.each([
  [{ thread: 2 }, /^load: unknown option "thread": did you mean "threads"\?/],
  [{ Backend: "wasm" }, /^load: unknown option "Backend": did you mean "backend"\?/],
  [{ quality: 1 }, /^load: unknown option "quality": there are backend, threads, input, maps/],
  [
    { backend: "webgl" },
    /^unknown backend "webgl": there are auto, native, webgpu, wasm, reference/,
  ],
  [{ backend: "toString" }, /^unknown backend "toString"/],
  [{ backend: {} }, /^unknown backend an empty object/],
  [{ backend: null }, /^unknown backend null/],
  [{ threads: "2" }, /^threads "2": must be a whole number from 1 to 256/],
  [{ maps: "int8" }, /^maps "int8": must be float32 or bfloat16/],
  [{ input: 224 }, /^input 224: must be \[height, width\]/],
  [{ input: [224] }, /^input a list: must be \[height, width\]/],
  [{ input: [224, 0] }, /must be \[height, width\], whole numbers from 1/],
  [{ input: ["2", 3] }, /must be \[height, width\]/],
  [{ progress: true }, /^progress true: must be a function/],
  [{ signal: {} }, /^signal an empty object: must be an AbortSignal/],
  [{ signal: new AbortController() }, /^signal an AbortController: must be an AbortSignal/],
  [{ timeout: 0 }, /^timeout 0: must be milliseconds, above 0/],
  [{ timeout: "5" }, /^timeout "5": must be/],
  [{ timeout: Number.NaN }, /^timeout NaN: must be/],
  [{ assets: "" }, /^assets "": must be the URL of a folder \(in Node a path will do\)/],
  [{ assets: 7 }, /^assets 7: must be the URL of a folder/],
  [{ assets: "http://" }, /^assets "http:\/\/": must be the URL of a folder/],
  [{ assets: { href: "http://x/" } }, /^assets an object \{ href \}: must be the URL/],
  ["wasm", /^load: options must be an object, not "wasm"/],
  [[], /^load: options must be an object, not an empty list/],
  [Object.create({ threads: 0 }), /^threads 0: must be a whole number/],
  [null, /^load: options must be an object, not null/],
])("load refuses %o before it reads anything", async (options, message) => {
  const failing = load("http://127.0.0.1:1/none.onebit", options as never);
  await expect(failing).rejects.toThrow(message);
  await expect(failing).rejects.toThrow(UsageError);
});

it("takes what is undefined as not given", async () => {
  const none = { threads: undefined, backend: undefined, other: undefined, timeout: undefined };
  using model = await load(await bytes, none);
  expect(model.threads).toBe(1);
});
