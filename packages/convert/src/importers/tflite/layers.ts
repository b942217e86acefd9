import type { Value } from "../described/values.js";
import { type Numbers, reshaped, transposed } from "../described/weights.js";
import { windowOf, withClamp } from "./options.js";
import type { Operation, Operator } from "./translation.js";

/** Fields of an operator's options by number. */
function optionsOf(o: Operation): (field: number, absent?: number) => number {
  const { options } = o.operator;
  if (!options) throw o.error("has no options");
  return (field, absent) => options.number(field, "i32", absent);
}

const byteOf = (o: Operation, field: number) => o.operator.options?.number(field, "i8") ?? 0;

/** Weights: [O, KH, KW, I / groups]. */
export function convolution(o: Operation): Value {
  const option = optionsOf(o);
  const weight = transposed(weights(o, 4), [0, 3, 1, 2]);
  const geometry = {
    padding: byteOf(o, 0),
    stride: [option(2), option(1)] as const,
    dilation: [option(5, 1), option(4, 1)] as const,
  };
  return convolved(o, weight, geometry, byteOf(o, 3));
}

/** Weights: [1, KH, KW, O], the outputs of one channel side by side. */
export function depthwise(o: Operation): Value {
  const option = optionsOf(o);
  const stored = weights(o, 4);
  const [one, kh, kw, outs] = stored.shape;
  o.expect(
    one === 1,
    `its weights have the shape [${stored.shape}], [1, height, width, outputs] is wanted`,
  );
  const weight = reshaped(transposed(reshaped(stored, [kh, kw, outs]), [2, 0, 1]), [
    outs,
    1,
    kh,
    kw,
  ]);
  const geometry = {
    padding: byteOf(o, 0),
    stride: [option(2), option(1)] as const,
    dilation: [option(6, 1), option(5, 1)] as const,
  };
  return convolved(o, weight, geometry, byteOf(o, 4));
}

interface Geometry {
  readonly padding: number;
  readonly stride: readonly [number, number];
  readonly dilation: readonly [number, number];
}

function convolved(o: Operation, weight: Numbers, geometry: Geometry, activation: number): Value {
  const x = o.value(0);
  const [outs, inputs, kh, kw] = weight.shape;
  const [, channels] = o.net.shape(x);
  const groups = channels / inputs;
  o.expect(
    Number.isInteger(groups),
    `its weights are for ${inputs} channels, its input has ${channels}`,
  );
  const window = windowOf(o, { kernel: [kh, kw], ...geometry });
  return withBias(o, outs, activation, (name) =>
    o.net.conv(x, { weight, groups, ...window }, name, o.name),
  );
}

/** Weights: [O, I]; what it reads is flattened. */
export function fullyConnected(o: Operation): Value {
  const weight = weights(o, 2);
  const [outs, inputs] = weight.shape;
  const x = o.net.flatten(o.value(0), "hwc", `${o.name}.flat`);
  const size = o.net
    .shape(x)
    .slice(1)
    .reduce((n, dim) => n * dim, 1);
  o.expect(size === inputs, `its weights are for ${inputs} numbers, its input has ${size}`);
  o.expect(byteOf(o, 1) === 0, "its weights are shuffled");
  return withBias(o, outs, byteOf(o, 0), (name) => o.net.dense(x, weight, { name, key: o.name }));
}

function weights(o: Operation, rank: number): Numbers {
  const numbers = o.numbers(1);
  const { shape } = numbers;
  o.expect(
    shape.length === rank && shape.every((size) => size > 0),
    `its weights have the shape [${shape}]`,
  );
  return numbers;
}

function withBias(
  o: Operation,
  outs: number,
  activation: number,
  products: (name: string) => Value,
): Value {
  return withClamp(o, activation, (name) => {
    if (!o.has(2)) return products(name);
    const bias = o.numbers(2);
    o.expect(
      bias.shape.join() === `${outs}`,
      `its bias has the shape [${bias.shape}], [${outs}] is wanted`,
    );
    const key = `${o.name}.bias`;
    return o.net.perChannel("bias", products(`${o.name}.products`), bias, { name, key });
  });
}

export function pool(mode: "max" | "average"): Operator {
  return (o) => {
    const option = optionsOf(o);
    const x = o.value(0);
    const kernel = [option(4), option(3)] as const;
    const window = windowOf(o, { kernel, stride: [option(2), option(1)], padding: byteOf(o, 0) });
    return withClamp(o, byteOf(o, 5), (name) =>
      mode === "max"
        ? o.net.maxPool(x, kernel, window, name)
        : o.net.averagePool(x, kernel, window, name),
    );
  };
}
