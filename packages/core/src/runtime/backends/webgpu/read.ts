import type { ValueId } from "../../../program/types.js";
import { type Compiling, pixelWords } from "./compiling.js";
import { at, type Params } from "./params.js";

export interface Reading {
  readonly compiling: Compiling;
  readonly params: Params;
  /** What its parameters are called after. */
  readonly name: string;
}

/** WGSL of an element of a value, bits as -1 / +1. pixel, channel: WGSL. */
export function readOf(
  { compiling, params, name }: Reading,
  id: ValueId,
  pixel: string,
  channel: string,
): string {
  const start = params.u32(`${name}v`, at(compiling.slots[id]));
  const stride = params.u32(`${name}s`, pixelWords(compiling.program, id));
  const first = `${start} + ${pixel} * ${stride}`;
  return compiling.program.values[id].kind === "bits"
    ? `signAt(${first}, ${channel})`
    : `number(${first} + ${channel})`;
}
