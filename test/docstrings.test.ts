import { expect, it } from "vitest";
import { entryPoints, exportsOf } from "./entry-points.js";
import { read } from "./imports.js";

const points = entryPoints();

it.each(points)("$name: every exported name says what it is", ({ file }) => {
  const bare = exportsOf(file).filter(({ doc }) => doc === undefined);
  expect(bare.map(({ name, file }) => `${file}: ${name}`)).toEqual([]);
});

/** Two names for one file: what is said of it stands under the first. */
const SECOND = ["onebit/standalone"];

it.each(points.filter(({ name }) => !SECOND.includes(name)))(
  "$name: its file says what it is, with an example",
  ({ name, file }) => {
    const [head] = /^\/\*\*[\s\S]*?\*\//.exec(read(file)) ?? [""];
    expect(head).toContain(`@module ${name}\n`);
    expect(head).toContain("```ts");
  },
);
