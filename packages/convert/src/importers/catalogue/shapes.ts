import { OnebitError } from "onebit";
import type { Stem, Switches } from "onebit/models";
import type { TensorEntry } from "../../readers/tensor-entry.js";

/** Shapes of the file's tensors by key. */
export type Shapes = ReadonlyMap<string, readonly number[]>;

export const shapesOf = (tensors: ReadonlyMap<string, TensorEntry>): Shapes =>
  new Map([...tensors].map(([key, { shape }]) => [key, shape]));

export function some(shapes: ReadonlyMap<string, unknown>, pattern: RegExp): boolean {
  return [...shapes.keys()].some((key) => pattern.test(key));
}

/** One dimension of a tensor that recognition cannot do without. */
export function dimension(shapes: Shapes, key: string, axis: number, what: string): number {
  const size = shapes.get(key)?.[axis];
  if (size) return size;
  throw new OnebitError(
    shapes.has(key)
      ? `${key}: shape [${shapes.get(key)}] does not say ${what}`
      : `${key} is missing, which says ${what}: is this a whole network?`,
  );
}

/** No published network comes near this. */
const maxBlocks = 1000;

/** Stem, then every block: twice as wide where it has the tensor (of these names) of a twin 1x1. */
export function widths(shapes: Shapes, ...twins: readonly string[]): number[] {
  const list = [dimension(shapes, "feature.0.conv1.weight", 0, "how wide the stem is")];
  const blocks = contiguous(shapes, /^feature\.(\d+)\./, 0);
  for (let i = 1; i < blocks; i++) {
    const widens = twins.some((twin) => shapes.has(`feature.${i}.${twin}`));
    list.push(list[i - 1] * (widens ? 2 : 1));
  }
  return list;
}

/** Of networks on ResNets: width, depths (those that are not `defaults`) and stem. */
export function resnet(shapes: Shapes, first: 0 | 1, defaults: readonly number[]): Switches {
  const width = dimension(shapes, "conv1.weight", 0, "how wide the first stage is");
  const stages = contiguous(shapes, /^layer(\d+)\./, first);
  const depths = Array.from({ length: stages }, (_, stage) =>
    contiguous(shapes, new RegExp(`^layer${stage + first}\\.(\\d+)\\.`), 0),
  );
  const kernel = dimension(shapes, "conv1.weight", 2, "which stem it is");
  const stem: Stem = kernel === 7 ? "imagenet" : "small";
  return {
    width: width === 64 ? undefined : width,
    depths: depths.join() === defaults.join() ? undefined : depths,
    stem,
  };
}

/** How many blocks there are, numbered from `first` without gaps. */
export function contiguous(shapes: Shapes, pattern: RegExp, first: number): number {
  const numbers = new Set<number>();
  for (const key of shapes.keys()) {
    const match = pattern.exec(key);
    if (match) numbers.add(Number(match[1]));
  }
  if (numbers.size > maxBlocks) {
    throw new OnebitError(`${numbers.size} blocks: no network of a known family has so many`);
  }
  const gap = Array.from(numbers, (_, i) => i + first).find((number) => !numbers.has(number));
  if (gap === undefined) return numbers.size;
  throw new OnebitError(
    `the blocks are numbered ${[...numbers].slice(0, 8).join(", ")}: number ${gap} is missing`,
  );
}
