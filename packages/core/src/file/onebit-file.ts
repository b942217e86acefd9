import type { Preprocess } from "../image/index.js";
import type { Program, ProgramTensors } from "../program/types.js";

/** What is known about a model besides how to run it: name, data, recipe, accuracy, revision ... */
export type Card = { readonly [entry: string]: unknown };

/** Everything that a `.onebit` file holds. */
export interface OnebitFile {
  readonly program: Program;
  readonly tensors: ProgramTensors;
  /** From a photograph to the program's input; without it only normalised tensors can be run. */
  readonly preprocess?: Preprocess;
  /** One name per class. */
  readonly labels?: readonly string[];
  readonly card?: Card;
}

/**
 * The format: a safetensors file whose metadata entry "onebit" is this, as JSON text.
 *
 *   data     the tensors, in this order: 1-bit weights and codes of quantised ones (U8, each padded
 *            with zeros to a multiple of 64 bytes; quantised-weights.ts), F32, F16, I16 (vectors.ts),
 *            I8; starts at a multiple of 64 bytes
 *   sha256   of the JSON text of [header without sha256, tensor table sorted by name], a line break,
 *            and the hexadecimal SHA-256 of the data
 */
export interface OnebitHeader {
  readonly format: number;
  /** The first version of onebit that can read the file. */
  readonly needs: string;
  /** Step kinds of the program. */
  readonly requires: readonly string[];
  /** See program/compact.ts. */
  readonly program: unknown;
  /** Where the small float32 tensors lie; see small-floats.ts. */
  readonly floats?: unknown;
  readonly preprocess?: unknown;
  readonly labels?: unknown;
  readonly card?: unknown;
  readonly sha256: string;
}

export const FORMAT = 1;
/** Raised together with FORMAT or when a step kind or micro-op is added. */
export const NEEDS = "0.1.0";
/** Alignment of the data and of each 1-bit tensor, in bytes. */
export const ALIGNMENT = 64;
export const METADATA_ENTRY = "onebit";
export const NOT_PACKED =
  "a safetensors file, but not a packed network (no onebit metadata): pack it with `npx onebit pack`";
