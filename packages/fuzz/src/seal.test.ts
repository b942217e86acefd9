import { Random } from "onebit/conformance";
import { readOnebit } from "onebit/file";
import { describe, expect, it } from "vitest";
import { seal, takeApart } from "./onebit/parts.js";
import { seedFile, writeSeed } from "./onebit/seed-files.js";
import { writeUnchecked } from "./onebit/write-unchecked.js";

describe("a sound file", () => {
  it("taken apart and sealed again is the same file", async () => {
    for (let seed = 0; seed < 40; seed++) {
      const random = new Random(seed);
      const bytes = await writeSeed(seedFile(random).file, random);
      const again = seal(takeApart(bytes));
      expect(Buffer.compare(again, bytes), `seed ${seed}`).toBe(0);
    }
  });

  it("written unchecked reads as what it was", async () => {
    for (let seed = 0; seed < 40; seed++) {
      const { file } = seedFile(new Random(seed));
      const { program } = await readOnebit(seal(writeUnchecked(file)));
      expect(program, `seed ${seed}`).toEqual(JSON.parse(JSON.stringify(file.program)));
    }
  });
});
