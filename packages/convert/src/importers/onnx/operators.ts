import { sizeOf } from "onebit/graph";
import type { Value } from "../described/values.js";
import { pair, windowOf } from "./convolutions.js";
import { numbers, type Operation, type Operator } from "./translation.js";

/** ONNX's operators as layers; convolutions, products and signs stand in network.ts. */
export const operators: { readonly [op: string]: Operator } = {
  BatchNormalization: batchNorm,
  Relu: (o) => o.net.unary("relu", o.value(0), {}, o.name),
  Clip: clip,
  PRelu: (o) => prelu(o, o.perChannel(o.constant(1), o.value(0))),
  LeakyRelu: (o) =>
    prelu(
      o,
      o.perChannel({ shape: [], data: Float32Array.of(o.float("alpha", 0.01)) }, o.value(0)),
    ),
  Sigmoid: (o) => o.net.unary("sigmoid", o.value(0), {}, o.name),
  HardSigmoid: hardSigmoid,
  HardSwish: (o) => gated(o, "hard-sigmoid"),
  Tanh: tanh,
  Neg: (o) => o.net.scalar("mul", o.value(0), -1, o.name),
  Add: (o) => arithmetic(o, "add"),
  Sub: (o) => arithmetic(o, "sub"),
  Mul: (o) => arithmetic(o, "mul"),
  Div: (o) => arithmetic(o, "div"),
  Max: (o) => bounded(o, (bound) => [bound, Number.POSITIVE_INFINITY]),
  Min: (o) => bounded(o, (bound) => [Number.NEGATIVE_INFINITY, bound]),
  MaxPool: maxPool,
  AveragePool: averagePool,
  GlobalAveragePool: (o) => o.net.globalAveragePool(o.value(0), o.name, true),
  ReduceMean: mean,
  Concat: concat,
  Slice: slice,
  Split: split,
  Flatten: flatten,
  Reshape: reshape,
  Squeeze: (o) => o.net.flatten(o.value(0), "chw", o.name),
  Pad: pad,
  Identity: (o) => o.value(0),
  Dropout: (o) => o.value(0),
  Cast: cast,
  Softmax: softmax,
  LogSoftmax: softmax,
};

/** Into a row for each image. */
function flatten(o: Operation): Value {
  const axis = o.integer("axis", 1);
  const rank = o.rank(o.value(0));
  o.expect((axis < 0 ? axis + rank : axis) === 1, `its axis is ${axis}; only 1 can be had`);
  return o.net.flatten(o.value(0), "chw", o.name);
}

/** Types of real numbers: float, float16, double and bfloat16 of onnx.proto3. */
const real: readonly number[] = [1, 10, 11, 16];

function cast(o: Operation): Value {
  const type = o.integer("to", 1);
  o.expect(real.includes(type), `its element type ${type} rounds; only real numbers can be had`);
  return o.value(0);
}

function batchNorm(o: Operation): Value {
  o.expect(
    o.integer("training_mode", 0) === 0,
    "is in training mode; export the network in eval()",
  );
  const x = o.value(0);
  const vector = (place: number) => {
    const { data } = o.constant(place);
    return numbers([data.length], Float32Array.from(data));
  };
  const [gamma, beta, mean, variance] = [1, 2, 3, 4].map(vector);
  const channels = x.flat ? sizeOf(o.net.shape(x).slice(1)) : o.net.shape(x)[1];
  for (const { shape } of [gamma, beta, mean, variance]) {
    o.expect(
      shape[0] === channels,
      `its constants have ${shape[0]} numbers, its input ${channels} channels`,
    );
  }
  const epsilon = o.float("epsilon", 1e-5);
  return o.net.batchNorm(x, o.name, {
    gamma,
    beta,
    mean,
    variance,
    epsilon,
    kept: o.float("momentum", 0.9),
  });
}

/** Bounds are inputs since opset 11, attributes before. */
function clip(o: Operation): Value {
  const bound = (place: number, name: string, absent: number) =>
    o.has(place) ? o.constant(place).data[0] : o.float(name, absent);
  const infinite = Number.POSITIVE_INFINITY;
  return clamped(o, o.value(0), [bound(1, "min", -infinite), bound(2, "max", infinite)]);
}

function clamped(o: Operation, x: Value, [low, high]: readonly [number, number]): Value {
  if (low === 0 && high > 3.4e38) return o.net.unary("relu", x, {}, o.name);
  return o.net.clamp(x, low, high, o.name);
}

function bounded(o: Operation, bounds: (bound: number) => readonly [number, number]): Value {
  const at = [0, 1].find((place) => o.isConstant(place));
  if (at === undefined || o.count !== 2 || o.constant(at).data.length !== 1) {
    throw o.error("only that with one number can be had");
  }
  return clamped(o, o.value(1 - at), bounds(o.constant(at).data[0]));
}

function prelu(o: Operation, slopes: ReturnType<Operation["perChannel"]>): Value {
  return o.net.perChannel("prelu", o.value(0), slopes, { name: o.name, key: `${o.name}.slope` });
}

/** max(0, min(1, alpha x + beta)) */
function hardSigmoid(o: Operation): Value {
  const [alpha, beta] = [o.float("alpha", 0.2), o.float("beta", 0.5)];
  const x = o.value(0);
  if (Math.abs(alpha - 1 / 6) < 1e-6 && beta === 0.5)
    return o.net.unary("hard-sigmoid", x, {}, o.name);
  const scaled = o.net.scalar("mul", x, alpha, `${o.name}.scaled`);
  return o.net.clamp(o.net.scalar("add", scaled, beta, `${o.name}.shifted`), 0, 1, o.name);
}

function gated(o: Operation, op: string): Value {
  const x = o.value(0);
  return o.net.combine("mul", [x, o.net.unary(op, x, {}, `${o.name}.gate`)], o.name);
}

function tanh(o: Operation): Value {
  const doubled = o.net.scalar("mul", o.value(0), 2, `${o.name}.doubled`);
  const sigmoid = o.net.unary("sigmoid", doubled, {}, `${o.name}.sigmoid`);
  return o.net.scalar("add", o.net.scalar("mul", sigmoid, 2, `${o.name}.wide`), -1, o.name);
}

/** Of two values, or a value and a constant for all or for each channel. */
function arithmetic(o: Operation, op: "add" | "sub" | "mul" | "div"): Value {
  const { net, name } = o;
  const at = [0, 1].find((place) => o.isConstant(place));
  if (at === undefined) {
    if (op === "div") throw o.error("one value cannot be divided by another");
    const [x, y] = [o.value(0), o.value(1)];
    o.expect(
      o.rank(x) === o.rank(y),
      `[${net.shape(x)}] and [${net.shape(y)}]: broadcasting counts axes from the last, so that channels are none; values with as many axes can be had`,
    );
    return net.combine(op, [x, y], name);
  }
  const x = o.value(1 - at);
  const { shape, data } = o.constant(at);
  const constant = (f: (n: number) => number) =>
    o.perChannel({ shape, data: Float32Array.from(data, f) }, x);
  const shifted = (value: Value, f: (n: number) => number) =>
    net.perChannel("bias", value, constant(f), { name, key: `${name}.bias` });
  const scaled = (f: (n: number) => number) =>
    net.perChannel("mul", x, constant(f), { name, key: `${name}.scale` });
  if (op === "add") return shifted(x, (n) => n);
  if (op === "mul") return scaled((n) => n);
  if (op === "sub" && at === 1) return shifted(x, (n) => -n);
  if (op === "sub") return shifted(net.scalar("mul", x, -1, `${name}.negative`), (n) => n);
  if (at === 1) return scaled((n) => 1 / n);
  throw o.error("a constant cannot be divided by a value");
}

function maxPool(o: Operation): Value {
  o.expect(o.integer("ceil_mode", 0) === 0, "its ceil_mode is 1; only 0 can be had");
  const kernel = pair(o, "kernel_shape", [1, 1]);
  const { dilation, ...window } = windowOf(o, o.value(0), kernel);
  o.expect(dilation.join() === "1,1", "its dilations are not 1");
  return o.net.maxPool(o.value(0), kernel, window, o.name);
}

/** Padding counts where the exporter says so, as PyTorch's default is. */
function averagePool(o: Operation): Value {
  o.expect(o.integer("ceil_mode", 0) === 0, "its ceil_mode is 1; only 0 can be had");
  const kernel = pair(o, "kernel_shape", [1, 1]);
  const { stride, pads, dilation } = windowOf(o, o.value(0), kernel);
  o.expect(dilation.join() === "1,1", "its dilations are not 1");
  const padded = [...pads.before, ...pads.after].some((rows) => rows > 0);
  if (!padded) return o.net.averagePool(o.value(0), kernel, { stride, pads }, o.name);
  o.expect(
    o.integer("count_include_pad", 0) === 1,
    "its windows reach over the border, which it does not count",
  );
  const around = o.net.pad(o.value(0), pads, 0, `${o.name}.pad`);
  return o.net.averagePool(
    around,
    kernel,
    { stride, pads: { before: [0, 0], after: [0, 0] } },
    o.name,
  );
}

function mean(o: Operation): Value {
  const x = o.value(0);
  const rank = o.rank(x);
  const listed = o.has(1) ? [...o.constant(1).data] : o.integers("axes", []);
  const axes = listed.map((axis) => (axis < 0 ? axis + rank : axis)).toSorted();
  o.expect(
    rank === 4 && axes.join() === "2,3",
    `its axes are ${axes}; only the mean over height and width (2, 3) can be had`,
  );
  return o.net.globalAveragePool(x, o.name, o.integer("keepdims", 1) !== 0);
}

function channelAxis(o: Operation, axis: number): void {
  const rank = o.rank(o.value(0));
  o.expect(
    (axis < 0 ? axis + rank : axis) === 1,
    `its axis is ${axis}; only channels (1) can be had`,
  );
}

/** Of a map; numbers of a vector. */
function channelsOf(o: Operation): number {
  const x = o.value(0);
  const [, channels, ...rest] = o.net.shape(x);
  return x.flat ? sizeOf([channels, ...rest]) : channels;
}

function concat(o: Operation): Value {
  channelAxis(o, o.integer("axis", 1));
  return o.net.concat(
    o.node.inputs.map((_, place) => o.value(place)),
    o.name,
  );
}

/** starts, ends, axes, steps: inputs since opset 10, attributes before. */
function slice(o: Operation): Value {
  const list = (place: number, name: string, absent: readonly number[]) =>
    o.has(place) ? [...o.constant(place).data] : [...o.integers(name, absent)];
  const [starts, ends] = [list(1, "starts", []), list(2, "ends", [])];
  const [axes, steps] = [
    list(
      3,
      "axes",
      starts.map((_, i) => i),
    ),
    list(
      4,
      "steps",
      starts.map(() => 1),
    ),
  ];
  o.expect(starts.length === 1 && steps[0] === 1, "only channels, one after another, can be taken");
  channelAxis(o, axes[0]);
  const channels = channelsOf(o);
  const place = (at: number) => Math.min(Math.max(at < 0 ? at + channels : at, 0), channels);
  const [start, end] = [place(starts[0]), place(ends[0])];
  o.expect(start < end, `it takes [${start}, ${end}) of ${channels} channels`);
  return o.net.channels(o.value(0), start, end, o.name);
}

function split(o: Operation): readonly Value[] {
  channelAxis(o, o.integer("axis", 0));
  const channels = channelsOf(o);
  const parts = o.node.outputs.length;
  const even = o.node.outputs.map(() => channels / parts);
  const sizes = o.has(1) ? [...o.constant(1).data] : [...o.integers("split", even)];
  o.expect(
    sizes.every((size) => Number.isInteger(size) && size > 0) &&
      sizes.length === parts &&
      sizes.reduce((sum, size) => sum + size, 0) === channels,
    `${channels} channels do not split into ${sizes}`,
  );
  let first = 0;
  return sizes.map((size, i) => {
    first += size;
    return o.net.channels(o.value(0), first - size, first, i === 0 ? o.name : `${o.name}.${i}`);
  });
}

/** Flattening, or a vector as a map of one pixel. 0: as before, -1: what is left. */
function reshape(o: Operation): Value {
  const x = o.value(0);
  const from = x.flat ? [1, sizeOf(o.net.shape(x))] : o.net.shape(x);
  const target = [...o.constant(1).data].map((size, axis) =>
    size === 0 ? (from[axis] ?? 1) : size,
  );
  const known = target.reduce((n, size) => (size < 0 ? n : n * size), 1);
  const wanted = target.map((size) => (size < 0 ? sizeOf(from) / known : size));
  if (wanted.join() === from.join()) return x;
  if (wanted.length === 2 && wanted[1] === sizeOf(from)) return o.net.flatten(x, "chw", o.name);
  if (wanted.length === 4 && wanted[1] === sizeOf(from)) {
    return o.net.onePixel(o.net.flatten(x, "chw", `${o.name}.flat`), o.name);
  }
  throw o.error(`[${from}] becomes [${wanted}]; only flattening can be had`);
}

/** pads: before each axis, then behind each. */
function pad(o: Operation): Value {
  o.expect(!o.has(3), "it names the axes that it pads; two pads for each of four axes are wanted");
  const mode = o.attribute("mode") ?? "constant";
  o.expect(mode === "constant", `its mode is ${mode}; only "constant" can be had`);
  const pads = o.has(1) ? [...o.constant(1).data] : [...o.integers("pads", [])];
  const value = o.has(2) ? o.constant(2).data[0] : o.float("value", 0);
  o.expect(
    pads.length === 8 && [0, 1, 4, 5].every((place) => pads[place] === 0),
    `its pads are ${pads}; only height and width can be padded`,
  );
  return o.net.pad(
    o.value(0),
    { before: [pads[2], pads[3]], after: [pads[6], pads[7]] },
    value,
    o.name,
  );
}

function softmax(o: Operation): Value {
  channelAxis(o, o.integer("axis", o.rank(o.value(0)) === 2 ? 1 : -1));
  o.expect(o.isLast, "stands within the network; it can be had at its end only");
  return o.net.beforeSoftmax(o.value(0));
}
