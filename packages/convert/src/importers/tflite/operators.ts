import { sizeOf } from "onebit/graph";
import type { Value } from "../described/values.js";
import { filled, mapped, type Numbers } from "../described/weights.js";
import { convolution, depthwise, fullyConnected, pool } from "./layers.js";
import { lceOperators } from "./lce.js";
import { clamped, withClamp } from "./options.js";
import { concatenation, reshape, slice, split, stridedSlice } from "./shapes.js";
import type { Operation, Operator } from "./translation.js";

/** TensorFlow Lite's operators as layers: what binary networks have around their convolutions. */
export const operators: { readonly [op: string]: Operator } = {
  ...lceOperators,
  CONV_2D: convolution,
  DEPTHWISE_CONV_2D: depthwise,
  FULLY_CONNECTED: fullyConnected,
  AVERAGE_POOL_2D: pool("average"),
  MAX_POOL_2D: pool("max"),
  MEAN: mean,
  ADD: (o) => activated(o, arithmetic(o, "add")),
  SUB: (o) => activated(o, arithmetic(o, "sub")),
  MUL: (o) => activated(o, arithmetic(o, "mul")),
  DIV: (o) => activated(o, arithmetic(o, "div")),
  RELU: bounds(0, Number.POSITIVE_INFINITY),
  RELU6: bounds(0, 6),
  RELU_N1_TO_1: bounds(-1, 1),
  PRELU: (o) => prelu(o, o.numbers(1)),
  LEAKY_RELU: (o) => prelu(o, filled([1], o.operator.options?.number(0, "f32") ?? 0)),
  LOGISTIC: (o) => o.net.unary("sigmoid", o.value(0), {}, o.name),
  TANH: tanh,
  HARD_SWISH: hardSwish,
  NEG: (o) => o.net.scalar("mul", o.value(0), -1, o.name),
  SQUARE: (o) => o.net.combine("mul", [o.value(0), o.value(0)], o.name),
  MAXIMUM: (o) => bounded(o, "low"),
  MINIMUM: (o) => bounded(o, "high"),
  CONCATENATION: concatenation,
  RESHAPE: reshape,
  SQUEEZE: reshape,
  EXPAND_DIMS: reshape,
  SLICE: slice,
  STRIDED_SLICE: stridedSlice,
  SPLIT: split,
  PAD: pad,
  QUANTIZE: (o) => o.value(0),
  DEQUANTIZE: (o) => o.value(0),
  SOFTMAX: softmax,
};

/** Number 0 of the options is the fused activation of arithmetic. */
function activated(o: Operation, value: (name: string) => Value): Value {
  return withClamp(o, o.operator.options?.number(0, "i8") ?? 0, value);
}

function bounds(low: number, high: number): Operator {
  return (o) => clamped(o, o.value(0), [low, high]);
}

type Arithmetic = "add" | "sub" | "mul" | "div";

/** Of two values, or a value and a number for all, each channel or each element of a vector. */
function arithmetic(o: Operation, op: Arithmetic): (name: string) => Value {
  const constant = [0, 1].find((place) => o.isConstant(place));
  if (constant === undefined) {
    if (op === "div") throw o.error("one value cannot be divided by another");
    return (name) => o.net.combine(op, [o.value(0), o.value(1)], name);
  }
  const x = o.value(1 - constant);
  const numbers = o.numbers(constant);
  if (op === "div" && constant === 0) throw o.error("a constant cannot be divided by a value");
  return (name) => {
    switch (op) {
      case "add":
        return each(o, "bias", x, numbers, name);
      case "mul":
        return each(o, "mul", x, numbers, name);
      case "div":
        return each(
          o,
          "mul",
          x,
          mapped(numbers, (n) => 1 / n),
          name,
        );
      case "sub": {
        if (constant === 1)
          return each(
            o,
            "bias",
            x,
            mapped(numbers, (n) => -n),
            name,
          );
        const negative = o.net.scalar("mul", x, -1, `${o.name}.negative`);
        return each(o, "bias", negative, numbers, name);
      }
      default:
        return op satisfies never;
    }
  };
}

/** Numbers that stretch to the value's shape along its channels only. */
function each(
  o: Operation,
  op: "bias" | "mul" | "prelu",
  x: Value,
  numbers: Numbers,
  name: string,
): Value {
  const { shape } = numbers;
  const size = sizeOf(shape);
  const value = o.net.vector(x, `${o.name}.vector`);
  const [, channels] = o.net.shape(value);
  o.expect(
    size === 1 || (shape.at(-1) === size && size === channels),
    `its constant has the shape [${shape}]; one number, or one for each of ${channels} channels can be had`,
  );
  const vector = size === channels ? numbers : spread(numbers, channels);
  return o.net.perChannel(op, value, vector, { name, key: `${o.name}.${suffixes[op]}` });
}

const suffixes = { bias: "bias", mul: "scale", prelu: "slope" };

function spread({ floats }: Numbers, channels: number): Numbers {
  return {
    shape: [channels],
    floats: async () => new Float32Array(channels).fill((await floats())[0]),
  };
}

function prelu(o: Operation, slopes: Numbers): Value {
  return each(o, "prelu", o.value(0), slopes, o.name);
}

/** tanh x = 2 sigmoid(2 x) - 1 */
function tanh(o: Operation): Value {
  const doubled = o.net.scalar("mul", o.value(0), 2, `${o.name}.doubled`);
  const sigmoid = o.net.unary("sigmoid", doubled, {}, `${o.name}.sigmoid`);
  return o.net.scalar("add", o.net.scalar("mul", sigmoid, 2, `${o.name}.wide`), -1, o.name);
}

function hardSwish(o: Operation): Value {
  const x = o.value(0);
  return o.net.combine("mul", [x, o.net.unary("hard-sigmoid", x, {}, `${o.name}.gate`)], o.name);
}

/** With one number. */
function bounded(o: Operation, side: "low" | "high"): Value {
  const constant = [0, 1].find((place) => o.isConstant(place));
  if (constant === undefined || sizeOf(o.tensor(constant).shape) !== 1) {
    throw o.error("only the maximum or minimum with one number can be had");
  }
  const bound = o.number(constant);
  const infinite = Number.POSITIVE_INFINITY;
  return clamped(o, o.value(1 - constant), side === "low" ? [bound, infinite] : [-infinite, bound]);
}

function mean(o: Operation): Value {
  const x = o.value(0);
  const rank = o.net.shape(x).length;
  const axes = o.integers(1).map((axis) => (axis < 0 ? axis + rank : axis));
  o.expect(
    rank === 4 && axes.toSorted().join() === "1,2",
    `its axes are ${axes.join(", ")}; only the mean over height and width (1, 2) can be had`,
  );
  return o.net.globalAveragePool(x, o.name, o.operator.options?.flag(0) ?? false);
}

/** Zeros around a map, for the convolution behind it. */
function pad(o: Operation): Value {
  const amounts = o.integers(1);
  o.expect(
    amounts.length === 8,
    `its paddings are ${amounts}, two for each of four axes are wanted`,
  );
  const [n0, n1, top, bottom, left, right, c0, c1] = amounts;
  o.expect(
    [n0, n1, c0, c1].every((amount) => amount === 0),
    "it pads images or channels; only height and width can be padded",
  );
  return o.net.pad(o.value(0), { before: [top, left], after: [bottom, right] }, 0, o.name);
}

function softmax(o: Operation): Value {
  const beta = o.operator.options?.number(0, "f32") ?? 1;
  o.expect(beta === 1, `its beta is ${beta}; only 1 can be had`);
  o.expect(o.isLast, "stands within the network; it can be had at its end only");
  const scores = o.net.beforeSoftmax(o.value(0));
  o.t.scores.add(scores);
  return scores;
}
