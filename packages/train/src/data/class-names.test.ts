import { describe, expect, it } from "vitest";
import { matchClasses, matchNames } from "./class-names.js";
import type { Dataset } from "./dataset.js";

const data = (classes: readonly string[], folders?: readonly string[]) =>
  ({ spec: "folder:D", classes, folders }) as unknown as Dataset;

const match = (
  labels: readonly string[] | undefined,
  classes: readonly string[],
  { folders, of = labels?.length ?? classes.length }: { folders?: string[]; of?: number } = {},
) => matchClasses({ classes: of, labels }, data(classes, folders));

describe("matchNames", () => {
  it.each<[string, string[], string[], number[], RegExp]>([
    ["as written", ["b", "a"], ["a", "b"], [1, 0], /^$/],
    ["composed and not", ["cafe\u0301"], ["the", "caf\u00e9"], [1], /^$/],
    ["with spaces around", [" a", "b "], ["b", "a"], [1, 0], /^$/],
    ["in other letter case", ["Red", "BLUE"], ["blue", "red"], [1, 0], /"Red" as "red"/],
    ["with _ for a space", ["great_white-shark"], ["x", "great white shark"], [1], /written diff/],
    ["by the first of several names", ["tench"], ["x", "tench, Tinca tinca"], [1], /written diff/],
    ["both ways", ["tench, Tinca tinca"], ["x", "tench"], [1], /written differently/],
    ["exact before loose", ["Cat", "cat"], ["cat", "Cat"], [1, 0], /^$/],
    ["not where two fit", ["crane"], ["crane, bird", "crane, machine"], [-1], /^$/],
    ["nor two to one", ["Cat", "CAT"], ["cat", "dog"], [-1, -1], /^$/],
    ["doubles of equal lists", ["crane", "x", "crane"], ["crane", "x", "crane"], [0, 1, 2], /^$/],
    ["doubles in another order", ["x", "crane"], ["crane", "x", "crane"], [1, -1], /^$/],
    ["not where further names differ", ["apple, red"], ["apple, green"], [-1], /^$/],
    ["numbers with zeros before them", ["01", "10"], ["10", "1"], [1, 0], /"01" as "1"/],
    ["unknown", ["ant", "bee"], ["bee", "cow"], [-1, 0], /^$/],
  ])("%s", (_, names, known, numbers, note) => {
    const found = matchNames(names, known);
    expect(found.numbers).toEqual(numbers);
    expect(found.notes.join("; ")).toMatch(note);
  });
});

describe("matchClasses", () => {
  const digits = ["0", "1", "2"];

  it.each<[string, ReturnType<typeof match>, number[], RegExp]>([
    ["the same", match(["a", "b"], ["a", "b"]), [0, 1], /^$/],
    ["another order", match(["b", "a"], ["a", "b"]), [1, 0], /in another order: matched by name/],
    ["some", match(["c", "b", "a"], ["a", "b"]), [2, 1], /has 2 of the network's 3 classes/],
    ["no names at all", match(undefined, digits), [0, 1, 2], /^$/],
    [
      "only the network's",
      match(["a", "b", "c"], digits),
      [0, 1, 2],
      /name no classes.*position: "a"/,
    ],
    ["only the data's", match(digits, ["a", "b", "c"]), [0, 1, 2], /names no classes.*by position/],
    [
      "numbers as text sorts them",
      match(["0", "1", "10", "2"], ["0", "1", "2", "10"]),
      [0, 1, 3, 2],
      /another order/,
    ],
    ["some numbers", match(undefined, ["3", "12"], { of: 20 }), [3, 12], /taken as numbers/],
    ["numbers with zeros", match(["a", "b", "c"], ["00", "01", "02"]), [0, 1, 2], /^$/],
    ["from 1 on", match(["a", "b", "c"], ["1", "2", "3"]), [0, 1, 2], /1 to 3 .* 0 to 2/],
    ["folders", match(["n2", "n1"], ["one", "two"], { folders: ["n1", "n2"] }), [1, 0], /order/],
  ])("%s", (_, found, numbers, note) => {
    expect(found.numbers).toEqual(numbers);
    expect(found.notes.join("; ")).toMatch(note);
  });

  it("calls classes as the network does, else as the data do, else by number", () => {
    expect(match(["b", "a"], ["a", "b"]).classes).toEqual(["b", "a"]);
    expect(match(undefined, ["a", "b"]).classes).toEqual(["a", "b"]);
    expect(match(undefined, ["1", "2"], { of: 3 }).classes).toEqual(["0", "1", "2"]);
  });

  it("knows ImageNet's classes by their WordNet ids, whatever the network calls them", () => {
    const ids = ["n01440764", "n15075141"];
    const imagenet = { ...data(["tench", "toilet tissue"], ids), imagenet: [0, 999] };
    const found = (labels: string[] | undefined, classes: number) =>
      matchClasses({ classes, labels }, imagenet).numbers;
    const words = Array.from({ length: 1000 }, (_, k) => `class ${k}`);
    words[0] = "Tench (fish)";
    words[999] = "toilet roll";
    expect(found(words, 1000)).toEqual([0, 999]);
    expect(found(undefined, 1000)).toEqual([0, 999]);
    expect(found(["background", ...words], 1001)).toEqual([1, 1000]);
    expect(found(undefined, 2)).toEqual([0, 1]);
    words[0] = "something else";
    expect(() => found(words, 1000)).toThrow(/does not know 2 of 2/);
    expect(() => match(words, ids)).toThrow(/put a file with the names beside them/);
  });

  it("takes names that were assumed for none where the data has quite other ones", () => {
    const labels = ["tench", "goldfish"];
    const found = (classes: string[]) =>
      matchClasses({ classes: 2, labels, labelsAssumed: true }, data(classes));
    expect(found(["Goldfish", "tench"])).toMatchObject({ numbers: [1, 0], classes: labels });
    const other = found(["ant", "bee"]);
    expect(other).toMatchObject({ numbers: [0, 1], classes: ["ant", "bee"] });
    expect(other.notes.join()).toMatch(/names no classes: those of the data are taken by position/);
    expect(() => found(["tench", "bee"])).toThrow(/does not know 1 of 2 classes: "bee"/);
  });

  it.each<[string, () => unknown, RegExp]>([
    [
      "as many classes of other names",
      () => match(["bee", "cow"], ["ant", "bee"]),
      /does not know 1 of 2 classes: "ant"\. The network's own without a match: "cow"; matched: "bee"/,
    ],
    [
      "other counts without names",
      () => match(undefined, digits, { of: 4 }),
      /3 classes, the network 4/,
    ],
    [
      "numbers that are names of others",
      () => match(["1", "2", "3"], digits),
      /does not know 1 of 3 classes: "0"/,
    ],
    ["a number too high", () => match(["a", "b"], ["1", "7"]), /does not know 2 of 2/],
    [
      "long lists, shortened",
      () => match(["x", "y"], Array.from("abcdefgh")),
      /"a", "b", "c", "d", "e" and 3 more/,
    ],
  ])("refuses %s", (_, work, message) => {
    expect(work).toThrow(message);
  });
});
