import { type MapShape, reductionLength } from "../../../program/geometry.js";
import type { BinaryConvStep } from "../../../program/types.js";
import { LOOKUP_TILE, POPCOUNT_TILE, SCALAR_TILE } from "./agreed.js";

/** How a binary convolution is computed; all give the same integers. See kernels/. */
export const BINARY_CONV_FORMS = ["scalar", "popcount", "lookup"] as const;

export type BinaryConvForm = (typeof BINARY_CONV_FORMS)[number];

/** The form that was measured fastest, by formKey. */
export type MeasuredForms = ReadonlyMap<string, BinaryConvForm>;

/** What the fastest form depends on: layers of one key are one shape. input: [H, W, C]. */
export function formKey(step: BinaryConvStep, input: MapShape): string {
  return [input, step.out, step.kernel, step.stride, step.groups].join();
}

/** Sums of lookups are 16 bits wide, with a sign. */
const MAX_LOOKUP_PRODUCTS = 32_767;

/** Forms that can compute it. */
export function formsFor(step: BinaryConvStep, input: MapShape): readonly BinaryConvForm[] {
  const long = reductionLength(step, input[2]) > MAX_LOOKUP_PRODUCTS;
  return long ? ["scalar", "popcount"] : BINARY_CONV_FORMS;
}

/**
 * Outputs side by side, and how much more of a tile is done in a given time: 3x3 with 64 to 512
 * channels on x86 (kernels/measure.mjs).
 */
const TILES: {
  readonly [F in BinaryConvForm]: { readonly outputs: number; readonly rate: number };
} = {
  scalar: { outputs: SCALAR_TILE, rate: 1 },
  popcount: { outputs: POPCOUNT_TILE, rate: 1 },
  lookup: { outputs: LOOKUP_TILE, rate: 1.5 },
};

/** The form to begin with: the one that fills its tiles best, as fast as they are. */
export function estimatedForm(step: BinaryConvStep, input: MapShape): BinaryConvForm {
  const outputs = step.out / step.groups;
  const time = (form: BinaryConvForm) => {
    const tile = TILES[form];
    return (Math.ceil(outputs / tile.outputs) * tile.outputs) / tile.rate;
  };
  const [first, ...others] = formsFor(step, input).toReversed();
  return others.reduce((best, form) => (time(form) < time(best) ? form : best), first);
}

export interface FormWishes {
  /** Of all convolutions that it can compute. */
  readonly form?: BinaryConvForm;
  readonly measured?: MeasuredForms;
}

/** The form wanted, else the one measured fastest, else the one estimated. */
export function chooseForm(
  step: BinaryConvStep,
  input: MapShape,
  { form, measured }: FormWishes,
): BinaryConvForm {
  if (form) return formsFor(step, input).includes(form) ? form : "popcount";
  return measured?.get(formKey(step, input)) ?? estimatedForm(step, input);
}
