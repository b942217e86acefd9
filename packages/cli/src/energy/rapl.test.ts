import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { measureJoules } from "../bench/joules.js";
import { joulesLines } from "../bench/tables.js";
import { temporaryFolder } from "../test-support/folder.js";
import { tinyBnext, writeFloatModel } from "../test-support/networks.js";
import { onebit } from "../test-support/run-cli.js";
import { raplCounter } from "./rapl.js";

const path = temporaryFolder();

async function write(name: string, energy: number, range = 1000e6): Promise<void> {
  await mkdir(path(`powercap/${name}`), { recursive: true });
  await writeFile(path(`powercap/${name}/energy_uj`), `${energy}\n`);
  await writeFile(path(`powercap/${name}/max_energy_range_uj`), `${range}\n`);
}

it("adds packages, leaves out their parts, and goes on where a counter begins again", async () => {
  await write("intel-rapl:0", 999e6);
  await write("intel-rapl:1", 5e6);
  await write("intel-rapl:0:0", 7e6);
  const counter = await raplCounter(path("powercap"));
  expect(await counter.read()).toBe(1004);
  await write("intel-rapl:0", 1e6);
  expect(await counter.read()).toBe(1006);
});

it("divides what a turn took by its runs", async () => {
  let joules = 0;
  let time = 0;
  const spends = (engine: string, each: number) => ({
    ...{ engine, threads: 1 },
    run: async () => {
      joules += each;
      time += 10;
      return 10;
    },
  });
  const counter = { read: async () => joules };
  const options = { turnMs: 100, rounds: 3, now: () => time };
  const measured = await measureJoules([spends("a", 2), spends("b", 6)], counter, options);
  expect(measured).toEqual([2, 6]);
  const row = (joulesPerImage: number) => ({
    subject: "n",
    engine: "e",
    backend: "b",
    threads: 1,
    joulesPerImage,
  });
  const lines = joulesLines([row(0.002), row(0.006)] as unknown as Parameters<
    typeof joulesLines
  >[0]);
  expect(lines[1]).toContain("6.00 mJ an image (3.00)");
});

it("says what is lacking where there are no counters", async () => {
  await mkdir(path("none"));
  await expect(raplCounter(path("none"))).rejects.toThrow(/no intel-rapl counters/);
  await expect(raplCounter(path("nowhere"))).rejects.toThrow(/RAPL counters, which Linux has on/);
});

it.skipIf(existsSync("/sys/class/powercap"))(
  "bench --energy fails before anything is measured",
  async () => {
    await writeFloatModel(path("float.safetensors"), tinyBnext());
    const { status, stderr } = await onebit(
      ...["bench", path("float.safetensors"), "--energy", "--against", "none"],
    );
    expect(stderr).toMatch(/--energy: no \/sys\/class\/powercap here/);
    expect(status).toBe(1);
  },
);
