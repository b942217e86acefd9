import type { MapShape } from "../../../program/geometry.js";
import type { Program, ProgramTensors, TensorKey } from "../../../program/types.js";
import type { Arena, Slot } from "./arena.js";
import type { Constants } from "./constants.js";
import type { Params } from "./params.js";

/** What compiling a program keeps account of. */
export interface Compiling {
  readonly program: Program;
  readonly tensors: ProgramTensors;
  readonly arena: Arena;
  /**
   * By value id, [H, W, C]: a word for each number of a map or vector (bfloat16 too), for each 32
   * channels of bits, where those behind the last channel mean nothing.
   */
  readonly slots: readonly Slot[];
  readonly constants: Constants;
  /** Threads that a subgroup has at least; 1 where shaders may not use subgroups. */
  readonly subgroup: number;
}

/** One shader run over an image. */
export interface Dispatch {
  readonly shader: string;
  readonly params: Params;
  readonly workgroups: number;
  /** Of each of them. */
  readonly threads: number;
}

/** Words of a pixel of bits. */
export function bitWords(channels: number): number {
  return Math.ceil(channels / 32);
}

/** First float of a tensor as it is in the file. */
export function tensorAt({ constants, tensors }: Compiling, key: TensorKey): number {
  return constants.add(() => tensors[key].data as Float32Array, key);
}

/** Words of a pixel of a value. */
export function pixelWords({ values }: Program, id: number): number {
  const { kind, shape } = values[id];
  return kind === "bits" ? bitWords(shape[2]) : shape[2];
}

export function pixelsOf([height, width]: MapShape): number {
  return height * width;
}
