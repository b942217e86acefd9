import * as fc from "fast-check";
import { expect, test } from "vitest";
import { parseStrictJson } from "./strict-json.js";

test("every JSON value with distinct keys is read as JSON.parse reads it", () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 5 }), (text) => {
      expect(parseStrictJson(text, "x")).toEqual(JSON.parse(text));
    }),
    { numRuns: 1000, seed: 6 },
  );
});

test("texts that look like keys are none; keys are compared without their escapes", () => {
  const fine = '{"a":"b","c":["a","a"],"d":{"a":"\\"a\\":1,"},"e":[{"a":1},{"a":2}]}';
  expect(parseStrictJson(fine, "x")).toEqual(JSON.parse(fine));
  expect(() => parseStrictJson('{"a":{"b":1, "b" :2}}', "x")).toThrow("b occurs twice");
  expect(() => parseStrictJson('{"a":1,"\\u0061":2}', "x")).toThrow("a occurs twice");
});

test("bad JSON is an error of its own, whatever the scan makes of it", () => {
  for (const text of ["", '{"', '{"a\\', "}}}", '{"\\u00":1,"\\u00":1}', '{"a":1,}', "[1}"]) {
    expect(() => parseStrictJson(text, "the header")).toThrow(/the header is not JSON/);
  }
});
