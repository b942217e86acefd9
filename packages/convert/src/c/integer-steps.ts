import type { ConvStep, LinearStep, PoolStep, QuantiseStep, Step } from "onebit/program";
import type { IntegerStep } from "../integer/types.js";
import type { Body } from "./body.js";
import type { IntegerContext } from "./integer-context.js";
import { type Code, constArray } from "./text.js";
import { eachPixel, eachPosition, gatherWindow } from "./window.js";

/** Whether sums need 64 bits. */
export const hasWideAccumulator = ({ bound, step }: IntegerStep) =>
  bound >= 2 ** 31 && (step.kind === "conv" || step.kind === "linear" || step.kind === "pool");

const typeOf = (step: IntegerStep) => (hasWideAccumulator(step) ? "int64_t" : "int32_t");

/** What lies outside of a map, for channel k of a position. */
function zeroOf(context: IntegerContext, { zero }: IntegerStep): string {
  if (!zero) return "0";
  if (zero.every((q) => q === zero[0])) return `${zero[0]}`;
  return `${context.numbers("zero", "outside", zero)}[k]`;
}

/** int16 numbers that a window has, two to a word. */
export const integerConvScratch = ({ kernel, groups }: ConvStep, channels: number) =>
  Math.ceil((kernel[0] * kernel[1] * channels) / groups / 2);

/** acc = sum of int8 weights and int16 numbers of the window; what lies outside is 0. */
export function integerConv(
  code: Code,
  context: IntegerContext,
  integer: IntegerStep & { readonly step: ConvStep },
  body: Body,
  scratch: number,
): void {
  const { step } = integer;
  const input = context.value(step.input).shape;
  const row = (step.kernel[0] * step.kernel[1] * input[2]) / step.groups;
  const weights = weightsOf(context, integer, step);
  code.line(`int16_t *const window = &arena.s[${2 * scratch}];`);
  body.before(code);
  eachPixel(code, context.shapeOf(step), () => {
    gatherWindow(code, step, input, {
      read: (pixel, channel) => context.read(step.input, pixel, channel),
      zero: zeroOf(context, integer),
      cast: "(int16_t)",
      each: (group) =>
        body.channels(
          code,
          () => {
            code.line(`const ${weightType(integer)} *const weight = &${weights}[c * ${row}];`);
            code.line(`${typeOf(integer)} acc = 0;`);
            code.loop("i", row, () => code.line("acc += window[i] * weight[i];"));
            return "acc";
          },
          group,
        ),
    });
  });
  body.after(code);
}

export function integerLinear(
  code: Code,
  context: IntegerContext,
  integer: IntegerStep & { readonly step: LinearStep },
  body: Body,
): void {
  const { step } = integer;
  const inputs = context.value(step.input).shape[2];
  const weights = weightsOf(context, integer, step);
  body.before(code);
  eachPixel(code, context.shapeOf(step), () => {
    body.channels(code, () => {
      code.line(`const ${weightType(integer)} *const weight = &${weights}[c * ${inputs}];`);
      code.line(`${typeOf(integer)} acc = 0;`);
      const x = context.read(step.input, "0", "i");
      code.loop("i", inputs, () => code.line(`acc += ${x} * weight[i];`));
      return "acc";
    });
  });
  body.after(code);
}

/** The largest, or the sum: what it is divided by is part of the epilogue. */
export function integerPool(
  code: Code,
  context: IntegerContext,
  integer: IntegerStep & { readonly step: PoolStep },
  body: Body,
): void {
  const { step } = integer;
  const input = context.value(step.input).shape;
  const isMax = step.mode === "max";
  body.before(code);
  eachPixel(code, context.shapeOf(step), () => {
    body.channels(code, () => {
      code.line(`${typeOf(integer)} acc = ${isMax ? "-32768" : "0"};`);
      eachPosition(code, step, input, () => {
        code.line("if (!inside) continue;");
        const x = context.read(step.input, `(iy * ${input[1]} + ix)`, "c");
        code.line(`const int32_t x = ${x};`);
        code.line(isMax ? "if (x > acc) acc = x;" : "acc += x;");
      });
      return "acc";
    });
  });
  body.after(code);
}

export function integerPointwise(
  code: Code,
  context: IntegerContext,
  step: Step,
  body: Body,
): void {
  body.before(code);
  eachPixel(code, context.shapeOf(step), () => {
    body.channels(code, () => context.read(step.input, "pixel", "c"));
  });
  body.after(code);
}

/** Words: lowest and highest number of each group. */
export const integerQuantiseScratch = ({ group }: QuantiseStep, channels: number) =>
  2 * (group === "image" ? 1 : channels);

/** low + level * range / levels, level = (x - low) * levels / range, both to the nearest. */
export function integerQuantise(
  code: Code,
  context: IntegerContext,
  integer: IntegerStep & { readonly step: QuantiseStep },
  body: Body,
  scratch: number,
): void {
  const { step, clip } = integer;
  const [height, width, channels] = context.shapeOf(step);
  const groups = step.group === "image" ? 1 : channels;
  const group = step.group === "image" ? "0" : "c";
  const levels = 2 ** step.bits - 1;
  const clipped = () => {
    code.line(`int32_t x = ${context.read(step.input, "pixel", "c")};`);
    code.line(`x = x < -${clip} ? -${clip} : x > ${clip} ? ${clip} : x;`);
  };
  code.line(`int32_t *const lows = &arena.i[${scratch}];`);
  code.line(`int32_t *const highs = &arena.i[${scratch + groups}];`);
  code.loop("g", groups, () => code.line("lows[g] = 32767, highs[g] = -32767;"));
  code.loop("pixel", height * width, () => {
    code.loop("c", channels, () => {
      clipped();
      code.line(`if (x < lows[${group}]) lows[${group}] = x;`);
      code.line(`if (x > highs[${group}]) highs[${group}] = x;`);
    });
  });
  body.before(code);
  eachPixel(code, [height, width, channels], () => {
    body.channels(code, () => {
      clipped();
      code.line(`const uint32_t range = (uint32_t)(highs[${group}] - lows[${group}]);`);
      code.line(`uint32_t level = (uint32_t)(x - lows[${group}]) * ${levels}u + range / 2u;`);
      code.line("level = range == 0u ? 0u : level / range;");
      code.line(`level = (level * range + ${levels >> 1}u) / ${levels}u;`);
      return `lows[${group}] + (int32_t)level`;
    });
  });
  body.after(code);
}

const weightType = ({ weights }: IntegerStep) =>
  weights instanceof Int8Array ? "int8_t" : "int16_t";

function weightsOf(
  context: IntegerContext,
  integer: IntegerStep,
  { weight }: ConvStep | LinearStep,
): string {
  const weights = integer.weights!;
  const type = weightType(integer);
  return context.constant(`${type} ${weight}`, "weights", weights.byteLength, (name) =>
    constArray(type, name, Array.from(weights, String)),
  );
}
