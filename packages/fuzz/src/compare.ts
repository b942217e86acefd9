import { OnebitError } from "onebit";
import { firstDifference } from "onebit/conformance";
import { elementCount, type Program, type ProgramTensors } from "onebit/program";
import { reference } from "onebit/reference";
import type { Trial } from "./subjects.js";

export type Outputs = { readonly [name: string]: Float32Array };

/** What the reference backend makes of images [N, H, W, C], every output. */
export async function expectedOf(
  program: Program,
  tensors: ProgramTensors,
  images: Float32Array,
): Promise<Outputs> {
  const executable = await reference.compile(program, tensors, { threads: 1 });
  return executable.run(images, countOf(program, images));
}

/**
 * Names what ran the program, "refused by ..." where a backend would not. Rejects where one gives other
 * bits than expected, or fails in another way than with an OnebitError before its first run.
 */
export async function compareOn(
  trials: readonly Trial[],
  program: Program,
  tensors: ProgramTensors,
  images: Float32Array,
  expected: Outputs,
): Promise<string[]> {
  const on: string[] = [];
  for (const { name, backend, threads, waits } of trials) {
    const executable = await backend.compile(program, tensors, { threads }).catch(refusal);
    on.push(executable ? name : `refused by ${name}`);
    if (!executable) continue;
    if (waits) await executable.ready?.();
    const actual = await executable.run(images, countOf(program, images));
    executable.dispose();
    requireSame(actual, expected, name);
  }
  return on;
}

function refusal(error: unknown): undefined {
  if (!(error instanceof OnebitError)) throw error;
}

const countOf = ({ values, input }: Program, images: Float32Array) =>
  images.length / elementCount(values[input].shape);

export function requireSame(actual: Outputs, expected: Outputs, where: string): void {
  for (const name of Object.keys(expected)) {
    const at = firstDifference(actual[name] ?? [], expected[name]);
    if (at < 0) continue;
    throw new Error(
      `${where}: output ${JSON.stringify(name)} differs at ${at}: ${actual[name]?.[at]}, the reference says ${expected[name][at]}`,
    );
  }
}
