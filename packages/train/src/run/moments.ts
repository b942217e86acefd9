import { stat } from "node:fs/promises";
import { OnebitError } from "onebit";
import { float32Values, storedFloat32, writeSafetensors } from "onebit/file";
import type { Layout } from "../state/index.js";
import { momentKey, readWhole } from "./checkpoint.js";
import type { Tensors } from "./float-model.js";
import { RunFolder } from "./run-folder.js";

/** What an optimiser kept of another training. */
export interface StoredMoments {
  /** Steps that it had taken. */
  readonly step: number;
  /** By the optimiser's name ("exp_avg", ...), then by the tensor's key. */
  readonly moments: { readonly [name: string]: Tensors };
}

/** As a file that trainings start from. */
export function encodeMoments({ step, moments }: StoredMoments): Uint8Array {
  const tensors = Object.entries(moments).flatMap(([name, of]) =>
    Object.entries(of).map(([key, { shape, data }]) => {
      return [momentKey(name, key), storedFloat32(shape, data)] as const;
    }),
  );
  const metadata = { format: "onebit-moments-1", position: JSON.stringify({ step }) };
  return writeSafetensors({ metadata, tensors: Object.fromEntries(tensors) });
}

/**
 * Moments for the tensors that a training changes, of a run, its checkpoint or a file of encodeMoments. Tensors that
 * start fresh have none, nor have those that never had a gradient: theirs are 0, which a note says. OnebitError
 * where the optimiser of there kept others.
 */
export async function loadMoments(
  path: string,
  {
    layout,
    names,
    fresh,
  }: {
    readonly layout: Layout;
    /** What this training's optimiser keeps. */
    readonly names: readonly string[];
    /** Keys of tensors that are not taken from the other training as they are. */
    readonly fresh: readonly string[];
  },
): Promise<{
  readonly step: number;
  readonly moments: { readonly [name: string]: Float32Array };
  readonly notes: readonly string[];
}> {
  const isFolder = (await stat(path).catch(() => undefined))?.isDirectory();
  const { metadata, tensors } = await readWhole(isFolder ? new RunFolder(path).checkpoint : path);
  const there = new Set(
    Object.keys(tensors).flatMap((key) => /^optimiser\/([^/]+)\//.exec(key)?.[1] ?? []),
  );
  const lacking = names.find((name) => !there.has(name));
  if (!metadata.position || lacking !== undefined) {
    const has = there.size ? `those there are ${[...there].join(", ")}` : "there are none";
    throw new OnebitError(
      `${path}: has no moments "${lacking ?? names[0]}" of an optimiser (${has}): give a run, or what \`import --moments\` wrote, of the same optimiser`,
    );
  }
  const without: string[] = [];
  const moments = Object.fromEntries(names.map((name) => [name, new Float32Array(layout.trained)]));
  for (const { key, shape, start, end } of layout.segments) {
    if (end > layout.trained) continue;
    const stored = names.map((name) => tensors[momentKey(name, key)]);
    if (fresh.includes(key) || stored.some((one) => one === undefined)) without.push(key);
    else {
      stored.forEach((one, i) => {
        if (one.shape.join() !== shape.join()) {
          throw new OnebitError(
            `${path}: moments of "${key}" are [${one.shape}], [${shape}] is wanted: they belong to another network`,
          );
        }
        moments[names[i]].set(float32Values(key, one), start);
      });
    }
  }
  const { step } = JSON.parse(metadata.position) as { step: number };
  const notes = without.length ? [`the moments of ${without.join(", ")} start at 0`] : [];
  return { step, moments, notes };
}
