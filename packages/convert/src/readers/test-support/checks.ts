import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { OnebitError } from "onebit";
import { expect } from "vitest";
import { memoryBuffer } from "../async-buffer.js";
import type { Checkpoint } from "../checkpoint.js";
import { openCheckpoint } from "../open-checkpoint.js";
import type { TensorEntry } from "../tensor-entry.js";

export function fixture(name: string): Uint8Array {
  return readFileSync(fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url)));
}

export const openBytes = (data: Uint8Array): Promise<Checkpoint> =>
  openCheckpoint(memoryBuffer(data));

/** Opens a file and reads every tensor of it. */
export async function readAll(data: Uint8Array): Promise<Checkpoint> {
  const checkpoint = await openBytes(data);
  for (const entry of checkpoint.tensors.values()) await entry.read();
  return checkpoint;
}

/**
 * Less than five seconds of computing since `start`: 16 million instructions of a pickle take 1.4 on a slow processor;
 * what grows faster than its file takes minutes. What a loaded machine adds does not count.
 */
export function expectQuick(start: NodeJS.CpuUsage): void {
  const { user, system } = process.cpuUsage(start);
  expect((user + system) / 1e6).toBeLessThan(5);
}

/** Fails unless `run` ends within five seconds of computing with an OnebitError whose message matches. */
export async function refused(run: () => Promise<unknown>, message: RegExp): Promise<void> {
  const start = process.cpuUsage();
  const outcome = await run().then(
    () => "it was accepted",
    (error: unknown) => error,
  );
  expectQuick(start);
  expect(outcome).toBeInstanceOf(OnebitError);
  expect((outcome as Error).message).toMatch(message);
}

export const refusedBytes = (data: Uint8Array, message: RegExp): Promise<void> =>
  refused(() => readAll(data), message);

/** What PyTorch or NumPy said that a tensor holds; 64-bit integers are texts. */
export interface Expected {
  shape: number[];
  dtype: string;
  values: (number | string | boolean)[];
}

export function expectations(name: string): Record<string, Expected> {
  return JSON.parse(Buffer.from(fixture(name)).toString("utf8"));
}

export async function expectTensor(
  entry: TensorEntry | undefined,
  expected: Expected,
): Promise<void> {
  expect(entry).toBeDefined();
  expect([...entry!.shape]).toEqual(expected.shape);
  expect(entry!.dtype).toBe(expected.dtype);
  const values = Array.from(await entry!.read(), (value: number | bigint) => value);
  const wide = typeof expected.values[0] === "string";
  expect(values.map((value) => (wide ? String(value) : Number(value)))).toEqual(expected.values);
}
