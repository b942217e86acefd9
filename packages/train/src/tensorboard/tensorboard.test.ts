import { appendFile, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import protobuf from "protobufjs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { EpochEvent, ObservationEvent, StepEvent } from "../run/events.js";
import { Board, checkBoard } from "./board.js";
import { crc32c } from "./crc32c.js";
import { versionEvent } from "./event-proto.js";
import { record } from "./records.js";

/** From TensorFlow's event.proto and summary.proto, as far as scalars go. */
const { root } = protobuf.parse(`
  syntax = "proto3";
  message Summary {
    message Value { string tag = 1; float simple_value = 2; }
    repeated Value value = 1;
  }
  message Event {
    double wall_time = 1;
    int64 step = 2;
    oneof what { string file_version = 3; Summary summary = 5; }
  }`);
const Event = root.lookupType("Event");

interface Decoded {
  readonly wallTime: number;
  readonly step?: string;
  readonly fileVersion?: string;
  readonly summary?: { readonly value: readonly { tag: string; simpleValue?: number }[] };
}

/** A reader of TFRecord files that shares nothing with the writer: a CRC bit by bit. */
async function eventsOf(path: string): Promise<Decoded[]> {
  const file = await readFile(path);
  const events: Decoded[] = [];
  for (let at = 0; at < file.length; ) {
    const length = Number(file.readBigUInt64LE(at));
    const data = file.subarray(at + 12, at + 12 + length);
    expect(file.readUInt32LE(at + 8)).toBe(maskedCrc(file.subarray(at, at + 8)));
    expect(file.readUInt32LE(at + 12 + length)).toBe(maskedCrc(data));
    events.push(Event.toObject(Event.decode(data), { longs: String }) as Decoded);
    at += length + 16;
  }
  return events;
}

function maskedCrc(bytes: Uint8Array): number {
  let crc = 0xffffffffn;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) crc = crc & 1n ? (crc >> 1n) ^ 0x82f63b78n : crc >> 1n;
  }
  crc ^= 0xffffffffn;
  const turned = ((crc >> 15n) | (crc << 17n)) & 0xffffffffn;
  return Number((turned + 0xa282ead8n) & 0xffffffffn);
}

describe("records", () => {
  it.each([
    ["32 zeros", new Uint8Array(32), 0x8a9136aa],
    ["32 ones", new Uint8Array(32).fill(0xff), 0x62a8ab43],
    ["0 to 31", Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
    ["31 to 0", Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113fdb5c],
    ["123456789", new TextEncoder().encode("123456789"), 0xe3069283],
  ])("have the CRC-32C of RFC 3720: %s", (_, bytes, crc) => expect(crc32c(bytes)).toBe(crc));

  it("begin a file as TensorFlow's own begin", () => {
    const bytes = record(versionEvent(0));
    expect(Buffer.from(bytes.subarray(0, 13)).toString("hex")).toBe("1800000000000000a37f4b2209");
  });
});

const stepEvent = (step: number): StepEvent => ({
  ...{ event: "step", epoch: Math.ceil(step / 10), epochs: 3, step, steps: 30 },
  ...{ loss: 2.5 - step / 100, accuracy: 0.25, gradientNorm: 1.5, flipRate: null },
  ...{ learningRate: 0.01, temperature: 0.5, scalars: { width: 3 } },
  ...{ imagesPerSecond: 100, secondsLeft: 1 },
});

const epochEvent: EpochEvent = {
  ...{ event: "epoch", epoch: 1, epochs: 3, step: 10, final: true, weights: "binary" },
  train: { loss: 2, top1: 0.5 },
  validation: { images: 10, top1: 0.75, top5: 1, loss: 1.25 },
  ...{ flipRate: 0.125, gradientNorm: 1, learningRate: 0.01, temperature: null },
  ...{ imagesPerSecond: 100, seconds: 1, secondsLeft: 1 },
};

const observation: ObservationEvent = {
  ...{ event: "observation", epoch: 2, step: 300_000, since: 299_950 },
  layers: {
    "layer1.0.conv1": { flipRate: 0.25, saturation: 0.5, deadSigns: 0, weightNorm: 3 },
    fc: { gradientNorm: 0.5 },
  },
};

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "onebit-board-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const started = "2026-01-02T03:04:05.678Z";
const fresh = { started, steps: 0, past: [] };

const scalars = ({ step, summary }: Decoded) => [
  Number(step),
  Object.fromEntries(summary!.value.map(({ tag, simpleValue = 0 }) => [tag, simpleValue])),
];

describe("an event file", () => {
  it("holds the scalars of a run", async () => {
    const before = Date.now() / 1000;
    const board = await Board.open(join(folder, "a", "b"), fresh);
    for (const event of [stepEvent(1), epochEvent, observation]) await board.log(event);
    expect(board.path).toBe(join(folder, "a", "b", "events.out.tfevents.1767323045.onebit"));
    const [first, ...events] = await eventsOf(board.path);
    expect(first.fileVersion).toBe("brain.Event:2");
    for (const { wallTime } of events) {
      expect(wallTime).toBeGreaterThanOrEqual(before);
      expect(wallTime).toBeLessThanOrEqual(Date.now() / 1000);
    }
    expect(events.map(scalars)).toEqual([
      [
        1,
        {
          ...{ "step/loss": Math.fround(2.49), "step/top1": 0.25, "step/gradientNorm": 1.5 },
          ...{ "step/imagesPerSecond": 100, "schedule/learningRate": Math.fround(0.01) },
          ...{ "schedule/temperature": 0.5, "schedule/width": 3 },
        },
      ],
      [
        10,
        {
          ...{ "epoch/loss": 2, "epoch/top1": 0.5, "epoch/flipRate": 0.125 },
          "epoch/gradientNorm": 1,
          ...{ "validation/top1": 0.75, "validation/top5": 1, "validation/loss": 1.25 },
        },
      ],
      [
        300_000,
        {
          "flipRate/layer1.0.conv1": 0.25,
          "saturation/layer1.0.conv1": 0.5,
          "deadSigns/layer1.0.conv1": 0,
          "weightNorm/layer1.0.conv1": 3,
          "gradientNorm/fc": 0.5,
        },
      ],
    ]);
  });

  it.each(["whole", "torn", "damaged"])(
    "goes on behind the last step that is done: %s",
    async (end) => {
      const board = await Board.open(folder, fresh);
      for (let step = 1; step <= 25; step++) await board.log(stepEvent(step));
      const bytes = await readFile(board.path);
      if (end === "torn") await truncate(board.path, bytes.length - 5);
      if (end === "damaged") {
        bytes[bytes.length - 20] ^= 1;
        await writeFile(board.path, bytes);
      }
      const times = (await eventsOf(board.path).catch(() => [])).map(({ wallTime }) => wallTime);
      const again = await Board.open(folder, { ...fresh, steps: 20 });
      for (let step = 21; step <= 30; step++) await again.log(stepEvent(step));
      const [, ...events] = await eventsOf(again.path);
      expect(events.map(({ step }) => Number(step))).toEqual(
        Array.from({ length: 30 }, (_, i) => i + 1),
      );
      if (end === "whole") {
        expect(events.slice(0, 20).map(({ wallTime }) => wallTime)).toEqual(times.slice(1, 21));
      }
      expect(await readdir(folder)).toHaveLength(1);
    },
  );

  it("begins with what a run logged that had none before", async () => {
    const past = [stepEvent(1), { event: "warning" } as never, stepEvent(2)];
    const board = await Board.open(folder, { started, steps: 2, past });
    await board.log(stepEvent(3));
    const [, ...events] = await eventsOf(board.path);
    expect(events.map(({ step }) => step)).toEqual(["1", "2", "3"]);
  });

  it("is not mixed with those of another run", async () => {
    await checkBoard(join(folder, "none yet"), {});
    const { path } = await Board.open(folder, fresh);
    await checkBoard(folder, { own: started });
    await expect(checkBoard(folder, {})).rejects.toThrow(
      /another run \(events.*a folder of its own/,
    );
    await checkBoard(folder, { overwrite: true });
    const later = { ...fresh, started: "2026-02-02T00:00:00.000Z", overwrite: true };
    const { path: other } = await Board.open(folder, later);
    expect((await readdir(folder)).map((name) => join(folder, name))).toEqual([other]);
    await appendFile(path.replace(".onebit", ".somewhere"), "");
    await expect(checkBoard(folder, { overwrite: true })).rejects.toThrow(/another run/);
  });

  it("says why it cannot be written", async () => {
    await writeFile(join(folder, "file"), "");
    await expect(checkBoard(join(folder, "file"), {})).rejects.toThrow(/is a file: choose another/);
  });
});
