import type { Tensor } from "onebit/graph";
import type { Value } from "../described/values.js";
import { noPads, type Pads, samePads, type Window } from "../described/window.js";
import { binaryWeight, latentBehind } from "./binary-weights.js";
import { numbers, type Operation } from "./translation.js";

type Pair = readonly [number, number];

export function pair(o: Operation, name: string, absent: Pair): Pair {
  const list = o.integers(name, absent);
  if (list.length === 2) return [list[0], list[1]];
  throw o.error(`its ${name} is ${list}; only images (two axes) can be had`);
}

/** pads: top, left, bottom, right; or TensorFlow's SAME by name. */
export function windowOf(o: Operation, x: Value, kernel: Pair): Window {
  const [stride, dilation] = [pair(o, "strides", [1, 1]), pair(o, "dilations", [1, 1])];
  const auto = o.attribute("auto_pad") ?? "NOTSET";
  const list = o.integers("pads", [0, 0, 0, 0]);
  const [, , height, width] = o.net.shape(x);
  if (auto === "SAME_UPPER") {
    return { stride, dilation, pads: samePads([height, width], kernel, { stride, dilation }) };
  }
  o.expect(auto === "NOTSET" || auto === "VALID", `its auto_pad is ${auto}`);
  o.expect(list.length === 4 && list.every((n) => n >= 0), `its pads are ${list}`);
  const pads: Pads = { before: [list[0], list[1]], after: [list[2], list[3]] };
  return { stride, dilation, pads: auto === "VALID" ? noPads : pads };
}

/** Signs that a convolution reads, and what they were multiplied by. */
export interface ScaledSigns {
  readonly signs: Value;
  readonly scale: number;
}

export function convolution(o: Operation, signs: ScaledSigns | undefined): Value {
  const weight = o.constant(1);
  o.expect(
    weight.shape.length === 4,
    `its weights have the shape [${weight.shape}]; only images can be had`,
  );
  const groups = o.integer("group", 1);
  const [, inputs, kh, kw] = weight.shape;
  const x = signs?.signs ?? o.value(0);
  const shape = o.net.shape(x);
  o.expect(shape.length === 4 && !x.flat, "reads a vector, a map is wanted");
  o.expect(
    inputs * groups === shape[1],
    `its weights are for ${inputs * groups} channels, its input has ${shape[1]}`,
  );
  const geometry = { ...windowOf(o, x, [kh, kw]), groups };
  if (!signs) {
    const kernel = numbers(weight.shape, Float32Array.from(weight.data));
    return withBias(o, (name) => o.net.conv(x, { ...geometry, weight: kernel }, name, o.name));
  }
  return withBias(o, (name) =>
    scaledSums(o, weight, signs.scale, name, (data, scaled, sums) => {
      const kernel = numbers(weight.shape, data);
      return o.net.binaryConv(
        x,
        { ...geometry, weight: kernel, scaled, padValue: 0 },
        sums,
        o.name,
      );
    }),
  );
}

/** Gemm and MatMul of vectors: weights [I, O], or [O, I] where transB says so. */
export function dense(o: Operation, signs: ScaledSigns | undefined): Value {
  const isGemm = o.node.op === "Gemm";
  if (isGemm) {
    for (const factor of ["alpha", "beta"])
      o.expect(o.float(factor, 1) === 1, `its ${factor} is not 1`);
    o.expect(o.integer("transA", 0) === 0, "its transA is not 0");
  }
  const stored = o.constant(1);
  o.expect(stored.shape.length === 2, `its weights have the shape [${stored.shape}]`);
  const weight = isGemm && o.integer("transB", 0) ? stored : transposed(stored);
  const [, inputs] = weight.shape;
  const x = signs?.signs ?? o.value(0);
  const size = o.net
    .shape(x)
    .slice(1)
    .reduce((n, dim) => n * dim, 1);
  o.expect(o.net.shape(x).length === 2 || x.flat !== undefined, "reads a map; a vector is wanted");
  o.expect(size === inputs, `its weights are for ${inputs} numbers, its input has ${size}`);
  if (!signs) {
    const matrix = numbers(weight.shape, Float32Array.from(weight.data));
    return withBias(o, (name) => o.net.dense(x, matrix, { name, key: o.name }));
  }
  return withBias(o, (name) =>
    scaledSums(o, weight, signs.scale, name, (data, scaled, sums) =>
      o.net.binaryDense(x, numbers(weight.shape, data), { name: sums, key: o.name, scaled }),
    ),
  );
}

function transposed({ shape: [rows, columns], data }: Tensor): Tensor {
  const turned = new Float32Array(data.length);
  for (let i = 0; i < data.length; i++)
    turned[(i % columns) * rows + Math.floor(i / columns)] = data[i];
  return { shape: [columns, rows], data: turned };
}

type Sums = (weight: Float32Array<ArrayBuffer>, scaled: boolean, name: string) => Value;

/** Sums of signs times what weights and input are multiplied by, where that is not 1. */
function scaledSums(o: Operation, weight: Tensor, scale: number, name: string, sums: Sums): Value {
  const binary = binaryWeight(weight);
  if (typeof binary === "string") {
    throw o.error(
      `reads signs, and its weights are not binary: ${binary}. Binarise them before the export; what is meant to be real reads no signs`,
    );
  }
  const [, stored] = o.node.inputs;
  const latent = weight.shape.length === 4 ? latentBehind(stored, o.constants) : undefined;
  const sizes = latent ? binary.sizes.fill(1) : binary.sizes;
  const weights = latent ? Float32Array.from(latent.data) : binary.signs;
  const scales = sizes.map((size) => size * scale);
  if (scales.every((size) => size === 1)) return sums(weights, latent !== undefined, name);
  const plain = sums(weights, latent !== undefined, `${o.name}.sums`);
  const options = { name, key: `${o.name}.scale` };
  return o.net.perChannel("mul", plain, numbers([scales.length], scales), options);
}

function withBias(o: Operation, products: (name: string) => Value): Value {
  if (!o.has(2)) return products(o.name);
  const value = products(`${o.name}.products`);
  const bias = o.perChannel(flat(o.constant(2)), value);
  return o.net.perChannel("bias", value, bias, { name: o.name, key: `${o.name}.bias` });

  /** A bias of channels has no axes behind it. */
  function flat({ data }: Tensor): Tensor {
    const behind = o.net.shape(value).length - 2;
    return { shape: [data.length, ...Array.from({ length: behind }, () => 1)], data };
  }
}
