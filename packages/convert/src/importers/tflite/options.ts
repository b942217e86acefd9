import type { Value } from "../described/values.js";
import { noPads, type Pads, samePads, type Window } from "../described/window.js";
import type { Operation } from "./translation.js";

type Pair = readonly [number, number];

/** Padding as the schema numbers it. */
const SAME = 0;
const VALID = 1;

/** Fused activations, as the schema numbers them: clamps, all that networks use. */
const activations: readonly (readonly [low: number, high: number] | undefined)[] = [
  undefined,
  [0, Number.POSITIVE_INFINITY],
  [-1, 1],
  [0, 6],
];

/** The clamp that an operator ends with; undefined: none. */
export function clampOf(o: Operation, number: number): readonly [number, number] | undefined {
  o.expect(
    number >= 0 && number < activations.length,
    `its fused activation ${number} is not known`,
  );
  return activations[number];
}

/** How the window of an operator moves over its input, [N, C, H, W] of the graph. */
export function windowOf(
  o: Operation,
  {
    kernel,
    stride,
    dilation = [1, 1],
    padding,
  }: {
    readonly kernel: Pair;
    readonly stride: Pair;
    readonly dilation?: Pair;
    readonly padding: number;
  },
): Window {
  const positive = [...kernel, ...stride, ...dilation].every((n) => Number.isInteger(n) && n > 0);
  o.expect(
    positive,
    `kernel ${kernel}, stride ${stride} and dilation ${dilation} must be positive`,
  );
  o.expect(
    padding === SAME || padding === VALID,
    `its padding ${padding} is neither SAME nor VALID`,
  );
  const [, , height, width] = o.net.shape(o.value(0));
  const size = [height, width] as const;
  const pads: Pads = padding === SAME ? samePads(size, kernel, { stride, dilation }) : noPads;
  return { stride, dilation, pads };
}

/** A value under the operator's name, or the one before its clamp under another. */
export function withClamp(o: Operation, number: number, value: (name: string) => Value): Value {
  const bounds = clampOf(o, number);
  return bounds ? clamped(o, value(`${o.name}.sums`), bounds) : value(o.name);
}

export function clamped(o: Operation, x: Value, [low, high]: readonly [number, number]): Value {
  if (low === 0 && high === Number.POSITIVE_INFINITY) return o.net.unary("relu", x, {}, o.name);
  return o.net.clamp(x, low, high, o.name);
}
