import {
  type ConvStep,
  elementCount,
  type LinearStep,
  type PointwiseStep,
  type PoolStep,
  type QuantiseStep,
  type ShuffleStep,
} from "onebit/program";
import type { Body } from "./body.js";
import type { FloatContext } from "./float-context.js";
import { type Code, float } from "./text.js";
import { eachPixel, eachPosition, gatherWindow } from "./window.js";

/** Words that a convolution needs: the window of a pixel, for one group. */
export const convScratch = ({ kernel, groups }: ConvStep, channels: number) =>
  (kernel[0] * kernel[1] * channels) / groups;

/**
 * Products added in the order of the window, then of the channels. What lies outside is 0, which changes no sum.
 */
export function conv(
  code: Code,
  context: FloatContext,
  step: ConvStep,
  body: Body,
  scratch: number,
): void {
  const input = context.value(step.input).shape;
  const row = convScratch(step, input[2]);
  const weights = context.floats(step.weight);
  code.line(`float *const window = &arena.f[${scratch}];`);
  body.before(code);
  eachPixel(code, context.shapeOf(step), () => {
    const dot = () => {
      code.line(`const float *const weight = &${weights}[c * ${row}];`);
      code.line("float acc = 0.0f;");
      code.loop("i", row, () => {
        code.line("const float product = window[i] * weight[i];");
        code.line("acc = acc + product;");
      });
      return "acc";
    };
    gatherWindow(code, step, input, {
      read: (pixel, channel) => context.read(step.input, pixel, channel),
      zero: "0.0f",
      each: (group) => body.channels(code, dot, group),
    });
  });
  body.after(code);
}

/** A vector of one pixel. */
export function linear(code: Code, context: FloatContext, step: LinearStep, body: Body): void {
  const [, , inputs] = context.value(step.input).shape;
  const weights = context.floats(step.weight);
  body.before(code);
  eachPixel(code, context.shapeOf(step), () => {
    body.channels(code, () => {
      code.line("float acc = 0.0f;");
      code.loop("k", inputs, () => {
        const x = context.read(step.input, "0", "k");
        code.line(`const float product = ${x} * ${weights}[c * ${inputs} + k];`);
        code.line("acc = acc + product;");
      });
      return "acc";
    });
  });
  body.after(code);
}

/** What lies outside is skipped; a mean is of the whole window. */
export function pool(code: Code, context: FloatContext, step: PoolStep, body: Body): void {
  const input = context.value(step.input).shape;
  const isMax = step.mode === "max";
  const area = step.kernel[0] * step.kernel[1];
  body.before(code);
  eachPixel(code, context.shapeOf(step), () => {
    body.channels(code, () => {
      code.line(`float acc = ${isMax ? "-INFINITY" : "0.0f"};`);
      eachPosition(code, step, input, () => {
        code.line("if (!inside) continue;");
        const x = context.read(step.input, `(iy * ${input[1]} + ix)`, "c");
        code.line(`const float x = ${x};`);
        code.line(isMax ? "if (x > acc) acc = x;" : "acc = acc + x;");
      });
      return isMax ? "acc" : `acc / ${float(area)}`;
    });
  });
  body.after(code);
}

export function pointwise(
  code: Code,
  context: FloatContext,
  step: PointwiseStep,
  body: Body,
): void {
  const shape = context.shapeOf(step);
  body.before(code);
  eachPixel(code, shape, () => {
    body.channels(code, () => context.read(step.input, "pixel", "c"));
  });
  body.after(code);
}

/** Channels in another order; 0 where there is none. */
export function shuffle(code: Code, context: FloatContext, step: ShuffleStep, body: Body): void {
  const { shape } = context.value(step.input);
  const channels = step.whole ? elementCount(shape) : shape[2];
  const [pixel, channel] = step.whole ? [`k / ${shape[2]}`, `k % ${shape[2]}`] : ["pixel", "k"];
  const place = `i % ${step.dealt} * ${channels / step.dealt} + i / ${step.dealt}`;
  body.before(code);
  eachPixel(code, context.shapeOf(step), () => {
    body.channels(code, () => {
      code.line(`const int32_t i = c + (${step.first});`);
      code.line(`const int inside = i >= 0 && i < ${channels};`);
      code.line(`const int32_t k = inside ? ${place} : 0;`);
      return `inside ? ${context.read(step.input, pixel, channel)} : 0.0f`;
    });
  });
  body.after(code);
}

/** Words that a quantise step needs: low and range of each group. */
export const quantiseScratch = ({ group }: QuantiseStep, channels: number) =>
  2 * (group === "image" ? 1 : channels);

/** See onebit's program/quantiser.ts, whose operations these are. */
export function quantise(
  code: Code,
  context: FloatContext,
  step: QuantiseStep,
  body: Body,
  scratch: number,
): void {
  const [height, width, channels] = context.shapeOf(step);
  const groups = step.group === "image" ? 1 : channels;
  const group = step.group === "image" ? "0" : "c";
  const levels = float(2 ** step.bits - 1);
  context.call("round-half-even");
  const clip = float(step.clip);
  const clipped = () => {
    code.line(`float x = ${context.read(step.input, "pixel", "c")};`);
    code.line(`x = x < ${clip} ? (x > -${clip} ? x : -${clip}) : ${clip};`);
  };
  code.line(`float *const lows = &arena.f[${scratch}];`);
  code.line(`float *const ranges = &arena.f[${scratch + groups}];`);
  code.loop("g", groups, () => code.line("lows[g] = INFINITY, ranges[g] = -INFINITY;"));
  code.loop("pixel", height * width, () => {
    code.loop("c", channels, () => {
      clipped();
      code.line(`if (x < lows[${group}]) lows[${group}] = x;`);
      code.line(`if (x > ranges[${group}]) ranges[${group}] = x;`);
    });
  });
  code.loop("g", groups, () => {
    code.line("lows[g] = lows[g] + 0.0f;");
    code.line("ranges[g] = ranges[g] - lows[g];");
    code.line(`ranges[g] = ranges[g] + ${float(Math.fround(1e-8))};`);
  });
  body.before(code);
  eachPixel(code, [height, width, channels], () => {
    body.channels(code, () => {
      clipped();
      code.line(`float position = x - lows[${group}];`);
      code.line(`position = position / ranges[${group}];`);
      code.line(`position = position * ${levels};`);
      code.line(`float level = round_half_even(position) / ${levels};`);
      code.line(`level = level * ranges[${group}];`);
      return `level + lows[${group}]`;
    });
  });
  body.after(code);
}
