import type { Tensor } from "onebit/graph";
import type { OnnxNode } from "../../readers/onnx/graph.js";

/** What a value can be, whatever the image: from the least to the most of all its elements. */
export type Range = readonly [least: number, most: number];

const all: Range = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];

/** Monotonic functions of one input. */
const monotonic: { readonly [op: string]: (x: number) => number } = {
  Relu: (x) => Math.max(x, 0),
  Sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  Tanh: Math.tanh,
  Sign: Math.sign,
  Exp: Math.exp,
};

/** Those that move, choose or average elements: their results lie between these. */
const between: readonly string[] = [
  ...["Identity", "Dropout", "Cast", "Flatten", "Reshape", "Squeeze", "Unsqueeze", "Transpose"],
  ...["Slice", "Split", "Concat", "MaxPool", "GlobalAveragePool", "GlobalMaxPool", "ReduceMean"],
];

/**
 * The range of what a node computes, of those of its inputs (undefined: left out); all numbers where it is not
 * known.
 */
export function rangeOf(
  { op, inputs: names, domain, attributes }: OnnxNode,
  inputs: readonly (Range | undefined)[],
): Range {
  const [x = all, y = all, z = all] = inputs;
  if (domain !== "") return all;
  if (Object.hasOwn(monotonic, op)) return [monotonic[op](x[0]), monotonic[op](x[1])];
  if (op === "Concat" || op === "Max" || op === "Min") return joined(op, inputs);
  if (between.includes(op)) return x;
  switch (op) {
    case "Neg":
      return [-x[1], -x[0]];
    case "Abs":
    case "HardSigmoid":
      return [0, Number.POSITIVE_INFINITY];
    case "Add":
      return known([x[0] + y[0], x[1] + y[1]]);
    case "Sub":
      return known([x[0] - y[1], x[1] - y[0]]);
    case "Mul":
      return names[0] === names[1] ? [0, Number.POSITIVE_INFINITY] : product(x, y);
    case "Div":
      return y[0] > 0 || y[1] < 0 ? product(x, [1 / y[1], 1 / y[0]]) : all;
    case "AveragePool":
    case "Pad":
      // What is around a map is 0 for the one, a number of its own for the other.
      return around(x, op === "Pad" ? (inputs[2] ?? given(attributes.get("value"), 0)) : [0, 0]);
    case "Clip": {
      const [low] = inputs[1] ?? given(attributes.get("min"), all[0]);
      const [, high] = inputs[2] ?? given(attributes.get("max"), all[1]);
      return [Math.min(Math.max(x[0], low), high), Math.min(Math.max(x[1], low), high)];
    }
    case "LeakyRelu":
      return sloped(x, given(attributes.get("alpha"), 0.01));
    case "PRelu":
      return sloped(x, y);
    case "Where":
      return around(y, z);
    default:
      return all;
  }
}

/** Of a constant. */
export function rangeOfConstant({ data }: Tensor): Range {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const x of data) {
    if (Number.isNaN(x)) return all;
    least = Math.min(least, x);
    most = Math.max(most, x);
  }
  return least <= most ? [least, most] : all;
}

function given(attribute: unknown, absent: number): Range {
  const value = typeof attribute === "number" ? attribute : absent;
  return [value, value];
}

function joined(op: string, inputs: readonly (Range | undefined)[]): Range {
  const ranges = inputs.map((range) => range ?? all);
  const [lows, highs] = [ranges.map(([low]) => low), ranges.map(([, high]) => high)];
  if (op === "Concat") return [Math.min(...lows), Math.max(...highs)];
  const choose = op === "Max" ? Math.max : Math.min;
  return [choose(...lows), choose(...highs)];
}

const around = (x: Range, y: Range): Range => [Math.min(x[0], y[0]), Math.max(x[1], y[1])];

/** 0 of what is infinite is 0: elements are finite. */
function product(x: Range, y: Range): Range {
  const ends = x.flatMap((a) => y.map((b) => (a === 0 || b === 0 ? 0 : a * b)));
  return known([Math.min(...ends), Math.max(...ends)]);
}

function sloped([low, high]: Range, slopes: Range): Range {
  const [least, most] = product([Math.min(low, 0), Math.min(high, 0)], slopes);
  return around([least, most], [Math.max(low, 0), Math.max(high, 0)]);
}

const known = (range: Range): Range => (range.some(Number.isNaN) ? all : range);
