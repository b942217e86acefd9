import { readFlexMap } from "../../readers/tflite/flexbuffer.js";
import type { Value } from "../described/values.js";
import { type Numbers, transposed } from "../described/weights.js";
import { clampOf, windowOf } from "./options.js";
import type { Operation, Operator } from "./translation.js";

/**
 * Larq Compute Engine's own operators. Bit 1 means -1, 32 channels to a word, the first in its lowest bit;
 * what an operator's options say is a FlexBuffer.
 *
 *   LceQuantize     bit = x < 0                         LceDequantize   -1 where the bit is set, else +1
 *   LceBMaxPool2d   maximum of -1 and +1
 *   LceBconv2d      float:  clamp(sum) * multiplier + bias      sum of products of -1 and +1
 *                   bits:   -1 where popcount > threshold, with popcount = (K - sum) / 2 and K products
 *
 * Source: larq/compute-engine, core/bconv2d/output_transform.h and reference.h, tflite/kernels.
 */
export const lceOperators: { readonly [op: string]: Operator } = {
  LceQuantize: (o) => o.net.signs(o.value(0), o.name),
  LceDequantize: (o) => signsOf(o, 0),
  LceBMaxPool2d: binaryMaxPool,
  LceBconv2d: binaryConvolution,
};

/** The version of each that onebit knows: Larq Compute Engine has had one. */
export const LCE_VERSION = 1;

function signsOf(o: Operation, place: number): Value {
  const value = o.value(place);
  o.expect(o.net.isSigns(value), `its input ${place} is not bit-packed`);
  return value;
}

function optionsOf(o: Operation): (name: string) => number {
  const { customOptions } = o.operator;
  if (!customOptions) throw o.error("has no options");
  const options = readFlexMap(customOptions, `operator ${o.operator.index}, ${o.op}`);
  return (name) => {
    const value = options.get(name);
    if (typeof value === "number" && Number.isSafeInteger(value)) return value;
    throw o.error(`its option ${name} is ${value ?? "missing"}, a whole number is wanted`);
  };
}

function binaryMaxPool(o: Operation): Value {
  const option = optionsOf(o);
  const kernel = [option("filter_height"), option("filter_width")] as const;
  const stride = [option("stride_height"), option("stride_width")] as const;
  const window = windowOf(o, { kernel, stride, padding: option("padding") });
  return o.net.maxPool(signsOf(o, 0), kernel, window, o.name);
}

function binaryConvolution(o: Operation): Value {
  const option = optionsOf(o);
  const signs = signsOf(o, 0);
  const channels = option("channels_in");
  const [, known] = o.net.shape(signs);
  o.expect(channels === known, `its channels_in is ${channels}, its input has ${known} channels`);
  const { weight, groups } = weightsOf(o, channels);
  const [outs, , kh, kw] = weight.shape;
  const window = windowOf(o, {
    kernel: [kh, kw],
    stride: [option("stride_height"), option("stride_width")],
    dilation: [option("dilation_height_factor"), option("dilation_width_factor")],
    padding: option("padding"),
  });
  const padValue = option("pad_values");
  if (padValue !== 0 && padValue !== 1) {
    throw o.error(`its pad_values is ${padValue}; Larq Compute Engine has 0 and 1`);
  }
  const clamp = clampOf(o, option("fused_activation_function"));
  const bits = o.output.type === "int32";
  const isPadded = [...window.pads.before, ...window.pads.after].some((rows) => rows > 0);
  o.expect(
    !(isPadded && padValue === 0 && (bits || clamp)),
    "it pads with zeros and writes bits or has a fused activation, which Larq Compute Engine itself does not compute; train the layer with pad_values=1",
  );
  const sums = o.net.binaryConv(
    signs,
    { ...window, weight, groups, padValue },
    `${o.name}.sums`,
    o.name,
  );
  const products = (channels / groups) * kh * kw;
  if (bits) return thresholded(o, sums, outs, products);
  const active = clamp ? o.net.clamp(sums, ...clamp, `${o.name}.clamp`) : sums;
  const scaled = o.net.perChannel("mul", active, perOutput(o, 2, outs), {
    name: `${o.name}.scaled`,
    key: `${o.name}.multiplier`,
  });
  return o.net.perChannel("bias", scaled, perOutput(o, 3, outs), {
    name: o.name,
    key: `${o.name}.bias`,
  });
}

function perOutput(o: Operation, place: number, outs: number): Numbers {
  const numbers = o.numbers(place);
  o.expect(
    numbers.shape.join() === `${outs}`,
    `its input ${place} has the shape [${numbers.shape}], one number for each of ${outs} outputs is wanted`,
  );
  return numbers;
}

/** sum >= K - 2 t is popcount <= t; t beyond what popcounts can be counts as one beyond. */
function thresholded(o: Operation, sums: Value, outs: number, products: number): Value {
  const thresholds = perOutput(o, 4, outs);
  const bias: Numbers = {
    shape: thresholds.shape,
    floats: async () =>
      (await thresholds.floats()).map((t) => 2 * Math.min(Math.max(t, -1), products) - products),
  };
  const compared = o.net.perChannel("bias", sums, bias, {
    name: `${o.name}.compared`,
    key: `${o.name}.threshold`,
  });
  return o.net.signs(compared, o.name);
}

/** [O, KH, KW, words of a group] as -1 and +1, [O, I, KH, KW]. */
function weightsOf(o: Operation, channels: number): { weight: Numbers; groups: number } {
  const { shape } = o.tensor(1);
  o.expect(
    shape.length === 4 && shape.every((size) => size > 0),
    `its weights have the shape [${shape}]`,
  );
  const [outs, kh, kw, words] = shape;
  const allWords = Math.ceil(channels / 32);
  const groups = allWords / words;
  o.expect(
    Number.isInteger(groups) &&
      (groups === 1 || (channels % (32 * groups) === 0 && outs % groups === 0)),
    `its weights have ${words} words for each position, its input ${allWords} for ${channels} channels: groups are whole words`,
  );
  const inputs = channels / groups;
  const packed = o.words(1);
  const floats = async () => unpacked(packed(), inputs, words);
  return { weight: transposed({ shape: [outs, kh, kw, inputs], floats }, [0, 3, 1, 2]), groups };
}

function unpacked(packed: Uint32Array, inputs: number, words: number): Float32Array<ArrayBuffer> {
  const data = new Float32Array((packed.length / words) * inputs);
  for (let i = 0; i < data.length; i++) {
    const channel = i % inputs;
    const word = packed[Math.floor(i / inputs) * words + (channel >> 5)];
    data[i] = (word >>> (channel & 31)) & 1 ? -1 : 1;
  }
  return data;
}
