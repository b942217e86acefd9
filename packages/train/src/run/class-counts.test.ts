import { describe, expect, it } from "vitest";
import type { Dataset, Split } from "../data/index.js";
import { classNotes } from "./class-counts.js";

/** So many images of each class. */
function split(counts: readonly number[]): Split {
  const labels = counts.flatMap((count, k) => new Array<number>(count).fill(k));
  return { length: labels.length, label: (i) => labels[i] } as Split;
}

const notes = (classes: readonly string[], train: readonly number[], test: readonly number[]) =>
  classNotes({ spec: "folder:x", classes, train: split(train), test: split(test) } as Dataset);

describe("what is said of the number of images", () => {
  it("nothing, where there are enough", () => {
    expect(notes(["cat", "dog"], [90, 300], [10, 30])).toEqual([]);
  });

  it("that few are few", () => {
    expect(notes(["cat", "dog"], [40, 16], [10, 4])).toEqual([
      expect.stringMatching(/^16 to 40 training images of each class: .*50 and more of each class/),
    ]);
    expect(notes(["cat", "dog", "owl"], [40, 16, 70], [10, 4, 9])).toEqual([
      expect.stringMatching(/^16 to 40 training images of "cat", "dog": /),
    ]);
  });

  it("that one and a thousand are uneven, and what answering the larger is worth", () => {
    expect(notes(["cat", "dog"], [1, 900], [0, 100])).toEqual([
      expect.stringMatching(
        /"cat" has 1 training image, "dog" 900: .*right for 100\.0 %.*Add images/,
      ),
      expect.stringMatching(/^1 training image of "cat"/),
    ]);
  });

  it("that one class is none", () => {
    expect(() => notes(["cat"], [20], [5])).toThrow(/^folder:x: "cat" is the only class/);
  });
});
