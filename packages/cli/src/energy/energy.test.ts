import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../test-support/folder.js";
import { onebit, onebitJson } from "../test-support/run-cli.js";
import { energyOf } from "./energy.js";
import { ENERGY_TABLES } from "./table.js";

const path = temporaryFolder();
const fashion = fileURLToPath(new URL("../../../../models/fashion-mnist.onebit", import.meta.url));

interface Summary {
  readonly binaryMacs: number;
  readonly macs: number;
  readonly energy: {
    readonly joules: number;
    readonly ace: number;
    readonly parts: { readonly [what: string]: number };
    readonly amounts: { readonly [what: string]: number };
    readonly table: { readonly source: string };
  };
}

describe("energy of an image", () => {
  it("is amounts times prices", () => {
    const amounts = {
      ...{ binaryMac: 64e6, floatMac: 1e6, elementwise: 0 },
      ...{ weightByte: 1000, activationByte: 4000 },
    };
    const energy = energyOf(amounts, ENERGY_TABLES["45nm-dram"]);
    // 0.2 uJ for 1-bit products, 4.6 for the others, 0.1625 from DRAM, 0.05 on the chip.
    expect(energy.joules).toBeCloseTo(5.0125e-6, 12);
    expect(energy.arithmeticIntensity).toBe(13_000);
    expect(energy.ace).toBe(64e6 + 256e6);
  });

  it("of a packed network counts what it does", async () => {
    const { energy, binaryMacs } = await onebitJson<Summary>(
      ...["summary", fashion, "--energy", "45nm-on-chip"],
    );
    expect(energy.amounts.binaryMac).toBe(binaryMacs);
    const sum = Object.values(energy.parts).reduce((a, b) => a + b, 0);
    expect(energy.joules).toBeCloseTo(sum, 12);
    expect(energy.table.source).toContain("Horowitz");
  });

  it("of ReActNet-A has the ACE that PokeBNN's article gives", async () => {
    const { energy } = await onebitJson<Summary>("summary", "reactnet-a", "--energy", "45nm-dram");
    expect(energy.ace / 1e9).toBeCloseTo(7.9, 1);
  }, 60_000);

  it("takes tables of one's own", async () => {
    const picojoules = {
      binaryMac: 0,
      floatMac: 0,
      elementwise: 0,
      weightByte: 1,
      activationByte: 0,
    };
    const table = { process: "mine", source: "measured here", picojoules };
    await writeFile(path("mine.json"), JSON.stringify(table));
    const args = ["summary", fashion, "--energy", path("mine.json")];
    const { energy } = await onebitJson<Summary>(...args);
    expect(energy.joules).toBeCloseTo(energy.amounts.weightByte * 1e-12, 15);
    expect((await onebit(...args)).stdout).toContain("energy of an image, mine");
  });

  it.each<[string, object | string, RegExp]>([
    ["no process", { source: "x", picojoules: {} }, /has no "process"/],
    [
      "no price",
      { process: "x", source: "y", picojoules: {} },
      /picojoules.binaryMac is undefined/,
    ],
    ["no JSON", "{", /is no JSON/],
    [
      "a price of something else",
      {
        process: "x",
        source: "y",
        picojoules: { ...ENERGY_TABLES["45nm-dram"].picojoules, mac: 1 },
      },
      /there is no "picojoules.mac": binaryMac, floatMac/,
    ],
    [
      "another field",
      { process: "x", source: "y", voltage: 1, picojoules: ENERGY_TABLES["45nm-dram"].picojoules },
      /there is no "voltage": process, source/,
    ],
  ])("a table with %s is refused", async (_, table, message) => {
    await writeFile(path("bad.json"), typeof table === "string" ? table : JSON.stringify(table));
    const { status, stderr } = await onebit("summary", fashion, "--energy", path("bad.json"));
    expect(stderr).toMatch(message);
    expect(status).toBe(2);
  });

  it("a table that is not there is named, with those that are", async () => {
    const { status, stderr } = await onebit("summary", fashion, "--energy", "7nm");
    expect(stderr).toMatch(/--energy 7nm: no such table: 45nm-on-chip, 45nm-dram/);
    expect(status).toBe(2);
  });
});
