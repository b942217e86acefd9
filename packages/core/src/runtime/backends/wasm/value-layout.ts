import { paddingEnd } from "../../../program/geometry.js";
import { writeOf } from "../../../program/micro-ops.js";
import type { Program, ProgramValue } from "../../../program/types.js";
import { type Operand, vectorBytes } from "./instruction.js";
import { at, type MemoryPlan, type Place } from "./memory-plan.js";

/**
 * How a value lies in memory.
 *
 *   map, vector   [H, W, C filled up to a multiple of 4] float32, or bfloat16 where the map is
 *   bits          [py + H + py, px + W + px, C filled up to a multiple of 32] bits, border all 0
 *
 * The border is as wide as the largest padding of the convolutions that read the value.
 */
export interface ValueLayout {
  readonly value: ProgramValue;
  readonly place: Place;
  readonly bytes: number;
  readonly pixelBytes: number;
  readonly rowBytes: number;
  /** Rows and columns around the image: [0, 0] for maps and vectors. */
  readonly border: readonly [number, number];
}

/** The layout of every value, with memory for as long as it lives. */
export function layOutValues(program: Program, plan: MemoryPlan): ValueLayout[] {
  const lives = lifetimes(program);
  const borders = bitBorders(program);
  const exact = isOnlyConvolved(program, program.input);
  return program.values.map((value, id) => {
    const [height, width, channels] = value.shape;
    const pixelBytes = pixelSize(value, exact && id === program.input ? channels : undefined);
    const border = value.kind === "bits" ? borders[id] : ([0, 0] as const);
    const rowBytes = (width + 2 * border[1]) * pixelBytes;
    const { first, last } = lives[id];
    const bytes = last < 0 ? 0 : (height + 2 * border[0]) * rowBytes;
    const place = plan.temporary(bytes, first, last);
    return { value, place, bytes, pixelBytes, rowBytes, border };
  });
}

function pixelSize(value: ProgramValue, exactChannels: number | undefined): number {
  if (exactChannels !== undefined) return exactChannels * 4;
  const [, , channels] = value.shape;
  if (value.kind === "bits") return Math.ceil(channels / 32) * 4;
  return isNarrow(value) ? vectorBytes(channels) / 2 : vectorBytes(channels);
}

/** Two bytes per channel. */
export function isNarrow({ type }: ProgramValue): boolean {
  return type === "bfloat16";
}

/** First pixel inside the border. */
export function firstPixel({ place, border, rowBytes, pixelBytes }: ValueLayout): Place {
  return at(place, border[0] * rowBytes + border[1] * pixelBytes);
}

/** A map or vector to read; a vector stays where it is while the pixels advance. */
export function sourceOperand({ value, place, pixelBytes }: ValueLayout): Operand {
  const stride = value.kind === "vector" ? 0 : pixelBytes;
  return { place, pixel: stride, advance: stride };
}

/** A map or vector to write. */
export function targetOperand({ place, pixelBytes }: ValueLayout): Operand {
  return { place, pixel: pixelBytes, advance: pixelBytes };
}

/**
 * First and last step that touch each value, -1 where none does; the input is there before, outputs
 * stay after.
 */
function lifetimes({ values, steps, input, outputs }: Program): { first: number; last: number }[] {
  const lives = values.map(() => ({ first: Number.POSITIVE_INFINITY, last: -1 }));
  const touch = (id: number, time: number) => {
    lives[id].first = Math.min(lives[id].first, time);
    lives[id].last = Math.max(lives[id].last, time);
  };
  touch(input, -1);
  steps.forEach((step, index) => {
    touch(step.input, index);
    for (const op of step.epilogue) {
      const id = op[0] === "load" ? op[1] : writeOf(op)?.value;
      if (id !== undefined) touch(id, index);
    }
  });
  for (const id of Object.values(outputs)) touch(id, steps.length);
  return lives;
}

function bitBorders({ values, steps }: Program): [number, number][] {
  const borders = values.map((): [number, number] => [0, 0]);
  for (const step of steps) {
    if (step.kind !== "binary-conv") continue;
    const [border, end] = [borders[step.input], paddingEnd(step)];
    border[0] = Math.max(border[0], step.padding[0], end[0]);
    border[1] = Math.max(border[1], step.padding[1], end[1]);
  }
  return borders;
}

/** Float convolutions broadcast channels one by one: their input needs no filling up. */
function isOnlyConvolved({ steps, outputs }: Program, id: number): boolean {
  if (Object.values(outputs).includes(id)) return false;
  return steps.every(({ kind, input, epilogue }) => {
    if (input === id && kind !== "conv") return false;
    return !epilogue.some((op) => op[0] === "load" && op[1] === id);
  });
}
