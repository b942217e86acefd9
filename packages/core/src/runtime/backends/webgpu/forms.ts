import type { BinaryConvStep } from "../../../program/types.js";

/** How a binary convolution's tile is divided among the threads of a workgroup. */
export interface TiledForm {
  readonly name: string;
  /** Threads along pixels and along channels. */
  readonly threads: readonly [pixels: number, channels: number];
  /** Accumulators of each thread. */
  readonly each: readonly [pixels: number, channels: number];
  /** Quads of a window that the workgroup has in its memory at a time. */
  readonly depth: number;
}

/** Ways to compute a binary convolution: see binary-conv.ts. */
export type Form = TiledForm | "direct";

/** Tiles of so many threads, and of so many accumulators for each. */
export function tile(
  threads: TiledForm["threads"],
  each: TiledForm["each"],
  depth: number,
): TiledForm {
  const [pixels, channels] = [threads[0] * each[0], threads[1] * each[1]];
  return { name: `tiled ${pixels}x${channels}x${depth}`, threads, each, depth };
}

/** Channels of a tile are a multiple of 32: words of bits belong to one workgroup. */
export const TILED_FORMS: readonly TiledForm[] = [
  tile([8, 8], [4, 4], 4),
  tile([8, 8], [2, 4], 2),
  tile([16, 16], [4, 4], 2),
];

/** Channels of a group fill whole tiles of 32, or all channels are one group. */
export function canTile({ groups, out }: BinaryConvStep): boolean {
  return groups === 1 || (out / groups) % 32 === 0;
}

export const range = (count: number) => Array.from({ length: count }, (_, i) => i);

export function threadsOf({ threads }: TiledForm): number {
  return threads[0] * threads[1];
}

export function tileOf({ threads, each }: TiledForm) {
  return { pixels: threads[0] * each[0], channels: threads[1] * each[1] };
}

/** Bytes of workgroup memory, the words of `gathered` bit values among them. */
export function sharedBytes(form: TiledForm, gathered: number): number {
  const { pixels, channels } = tileOf(form);
  return 16 * form.depth * (pixels + channels) + (gathered * pixels * channels) / 8;
}

export function formName(form: Form): string {
  return form === "direct" ? form : form.name;
}
