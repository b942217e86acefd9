import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { randomProgram } from "../conformance/random-program.js";
import { OnebitError } from "../errors.js";
import { compactProgram, expandProgram, requiredKinds } from "./compact.js";
import { NameTable, readNames } from "./name-table.js";

const throughJson = (value: unknown) => JSON.parse(JSON.stringify(value));

describe("the compact form of a program", () => {
  it("gives back every program, whatever the order of the tensors", () => {
    for (let seed = 0; seed < 200; seed++) {
      const { program, tensors } = randomProgram(seed);
      const names = Object.keys(tensors);
      const compact = throughJson(compactProgram(program, names));
      expect(expandProgram(compact, names.reverse())).toEqual(program);
    }
  });

  it("names the step kinds in use", () => {
    const { program } = randomProgram(1);
    const kinds = new Set(program.steps.map(({ kind }) => kind));
    expect(new Set(requiredKinds(program))).toEqual(kinds);
  });

  it("is read with errors that say where, never with others", () => {
    const { program, tensors } = randomProgram(3);
    const names = Object.keys(tensors);
    const text = JSON.stringify(compactProgram(program, names));
    const junk = fc.constantFrom('""', "null", "{}", "[]", "-1", "1e99", "0.5", "[[[[0]]]]");
    fc.assert(
      fc.property(fc.nat(), junk, (pick, replacement) => {
        const numbers = [...text.matchAll(/-?\d+/g)];
        const { index, 0: old } = numbers[pick % numbers.length];
        const broken = text.slice(0, index) + replacement + text.slice(index + old.length);
        try {
          expandProgram(JSON.parse(broken), names);
        } catch (error) {
          if (error instanceof OnebitError || error instanceof SyntaxError) return;
          throw error;
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe("the table of names", () => {
  it("gives back every set of names, dots anywhere", () => {
    const name = fc.string({ unit: fc.constantFrom("a", "b", "."), minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(fc.array(name), (names) => {
        const table = new NameTable(names);
        const read = readNames(throughJson(table.scopes));
        for (const each of names) expect(read[table.indexOf(each)]).toBe(each);
        expect(read).toHaveLength(new Set(names).size);
      }),
    );
  });

  it("stores a scope once", () => {
    const { scopes } = new NameTable(["f.1.conv", "fc", "f.1.norm"]);
    expect(scopes).toEqual([
      ["f.1", ["conv", "norm"]],
      ["", ["fc"]],
    ]);
  });
});
