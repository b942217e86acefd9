import { OnebitError, UsageError } from "onebit";
import { evaluate } from "onebit/graph";
import { decodeFloatModel, encodeFloatModel, floatModelGraph } from "onebit/models";
import { pack } from "onebit/pack";
import { describe, expect, it } from "vitest";
import { comparePacked } from "../../../../core/src/test-support/compare-packed.js";
import { randomImages } from "../../../../core/src/test-support/random-weights.js";
import { memoryBuffer } from "../../readers/async-buffer.js";
import { floats, seeded } from "../../readers/test-support/bytes.js";
import { type ImportOptions, importCheckpoint } from "../import-checkpoint.js";
import {
  channels,
  classes,
  paramsOf,
  type SmallNetwork,
  type SymbolJson,
  side,
  smallNetwork,
  symbolText,
} from "../test-support/bmxnet-network.js";

const input = [3, side, side] as const;

function importSmall(network: SmallNetwork, options: ImportOptions = {}) {
  const buffer = memoryBuffer(paramsOf(network), "some/folder/net-0007.params");
  return importCheckpoint(buffer, {
    ...{ input, symbol: async () => symbolText(network) },
    ...options,
  });
}

type Map3 = readonly (readonly (readonly number[])[])[];

/** The same network in plain loops over maps [C][H][W], bits taken from the words one by one. */
function logitsOf({ arrays }: SmallNetwork, bits: 32 | 64, image: Map3): number[] {
  const stored = (name: string) => (arrays.get(`arg:${name}`) ?? arrays.get(`aux:${name}`))!.data;
  const real = (name: string) => new Float32Array(stored(name).slice().buffer);
  const norm = (maps: Map3, name: string, fixed = false): Map3 => {
    const [gamma, beta] = [real(`${name}_gamma`), real(`${name}_beta`)];
    const [mean, variance] = [real(`${name}_moving_mean`), real(`${name}_moving_var`)];
    return maps.map((map, c) => {
      const scale = (fixed ? 1 : gamma[c]) / Math.sqrt(variance[c] + 2e-5);
      return map.map((row) => row.map((value) => (value - mean[c]) * scale + beta[c]));
    });
  };
  const isSet = (name: string, i: number) => {
    const words = new DataView(stored(name).slice().buffer);
    const at = Math.floor(i / bits) * (bits / 8);
    const word = bits === 64 ? words.getBigUint64(at, true) : BigInt(words.getUint32(at, true));
    return (word >> BigInt(i % bits)) & 1n ? 1 : 0;
  };
  const stem = (maps: Map3): Map3 => {
    const weight = real("conv0_weight");
    const at = (c: number, y: number, x: number) => maps[c][y]?.[x] ?? 0;
    return convolved(channels, side, (o, y, x) => {
      let sum = 0;
      for (let c = 0, i = o * 27; c < 3; c++)
        for (let ky = 0; ky < 3; ky++)
          for (let kx = 0; kx < 3; kx++) sum += weight[i++] * at(c, y + ky - 1, x + kx - 1);
      return sum;
    });
  };
  const equalSigns = (maps: Map3, name: string, kernel: number): Map3 => {
    const pad = (kernel - 1) / 2;
    const bit = (c: number, y: number, x: number) => ((maps[c][y]?.[x] ?? 0) >= 0 ? 1 : 0);
    return convolved(channels, Math.ceil(side / 2), (o, y, x) => {
      let equal = 0;
      for (let c = 0; c < channels; c++)
        for (let ky = 0; ky < kernel; ky++)
          for (let kx = 0; kx < kernel; kx++) {
            const i = ((o * channels + c) * kernel + ky) * kernel + kx;
            if (bit(c, 2 * y + ky - pad, 2 * x + kx - pad) === isSet(name, i)) equal++;
          }
      return equal;
    });
  };
  const x = norm(stem(norm(image, "bn_data", true)), "bn");
  const [main, shortcut] = [equalSigns(x, "qconv_weight", 3), equalSigns(x, "sc_weight", 1)];
  const sum = main.map((map, c) => map.map((row, y) => row.map((v, i) => v + shortcut[c][y][i])));
  const pooled = norm(sum, "bn1").map((map) => {
    const values = map.flat();
    return values.reduce((total, value) => total + Math.max(0, value), 0) / values.length;
  });
  const [weight, bias] = [real("fc1_weight"), real("fc1_bias")];
  return Array.from(bias, (b, k) =>
    pooled.reduce((total, value, c) => total + value * weight[k * channels + c], b),
  );
}

function convolved(
  outs: number,
  size: number,
  value: (o: number, y: number, x: number) => number,
): Map3 {
  const range = (length: number) => Array.from({ length }, (_, i) => i);
  return range(outs).map((o) => range(size).map((y) => range(size).map((x) => value(o, y, x))));
}

function mapsOf(data: ArrayLike<number>): Map3 {
  const at = (c: number, y: number, x: number) => data[(c * side + y) * side + x];
  return convolved(3, side, at);
}

describe.each([32, 64] as const)("a small network in words of %i bits", (bits) => {
  const network = smallNetwork(bits);
  const image = randomImages([1, ...input], 6);

  it("computes what plain loops over its words do", async () => {
    const { model } = await importSmall(network);
    const { outputs } = evaluate(floatModelGraph(model), { x: image }, model.tensors);
    logitsOf(network, bits, mapsOf(image.data)).forEach((logit, k) => {
      expect(outputs.logits.data[k]).toBeCloseTo(logit, 3);
    });
  });

  it("packs, from signs alone, to what the graph computes", async () => {
    const { model } = await importSmall(network, { weights: "signs" });
    const graph = floatModelGraph(model);
    const packed = pack(graph, model.tensors);
    const result = comparePacked(graph, model.tensors, packed, image);
    expect(result.margin).toBeGreaterThan(1e-5);
    expect(result.differentBits).toBe(0);
    expect(result.error).toBeLessThan(1e-5);
    expect(packed.program.steps.filter(({ kind }) => kind === "binary-conv")).toHaveLength(2);
  });

  it("is the same model after a visit to the disk", async () => {
    const { model } = await importSmall(network);
    const again = decodeFloatModel(encodeFloatModel(model));
    expect(again.architecture).toEqual(model.architecture);
    expect(again.tensors).toEqual(model.tensors);
  });
});

describe("report", () => {
  it("says what was found, and what became of every array", async () => {
    const { model, report } = await importSmall(smallNetwork());
    expect(report).toMatchObject({
      ...{ format: "mxnet-params", family: "bmxnet", arch: "bmxnet", form: "binary", binary: true },
      ...{ classes, input, widths: [channels], ignored: ["bn_data_gamma"], notes: [] },
    });
    const qconv = { key: "qconv_weight", fate: "used", shape: [576], dtype: "float64" };
    expect(report.tensors).toContainEqual(qconv);
    expect(model.labels).toEqual(["0", "1", "2"]);
    expect(model.card).toEqual({ source: "net-0007.params", sha256: report.sha256 });
  });

  it("assumes 32x32 where nobody tells the size, and MXNet's means of pixels", async () => {
    const { model, report } = await importSmall(smallNetwork(), { input: undefined });
    expect(report.notes).toEqual(["weights do not tell the input size: 3x32x32 is assumed"]);
    expect(model.preprocess).toMatchObject({ size: [32, 32], resize: 32, crop: "center" });
    expect(model.preprocess.mean[0]).toBeCloseTo(123.68 / 255, 6);
    expect(model.preprocess.std).toEqual([1 / 255, 1 / 255, 1 / 255]);
  });

  it("takes the caller's word for size, means and labels", async () => {
    const preprocess = { size: [6, 6] as [number, number], mean: [0, 0, 0], std: [1, 1, 1] };
    const labels = ["a", "b", "c"];
    const { model, report } = await importSmall(smallNetwork(), {
      ...{ input: undefined, preprocess, labels },
    });
    expect([report.input, report.notes, model.labels]).toEqual([[3, 6, 6], [], labels]);
    expect(model.preprocess).toMatchObject(preprocess);
  });
});

it("damaged files are imported or refused with a message, never anything else", async () => {
  const network = smallNetwork();
  const [params, symbol] = [paramsOf(network), Buffer.from(symbolText(network))];
  const random = seeded(3);
  const mutated = (bytes: Uint8Array) => {
    const copy = new Uint8Array(bytes);
    for (let i = 0; i <= random(3); i++) copy[random(copy.length)] = random(256);
    return copy;
  };
  let refused = 0;
  for (let i = 0; i < 200; i++) {
    const buffer = memoryBuffer(i % 2 ? mutated(params) : params);
    const text = new TextDecoder().decode(i % 2 ? symbol : mutated(symbol));
    await importCheckpoint(buffer, { input, symbol: async () => text }).catch((error) => {
      expect(error).toBeInstanceOf(OnebitError);
      refused++;
    });
  }
  expect(refused).toBeGreaterThan(80);
});

describe("refused", () => {
  const named = ({ nodes }: SmallNetwork, name: string): SymbolJson =>
    nodes.find((node) => node.name === name)!;

  it.each<[string, (network: SmallNetwork) => void, RegExp]>([
    [
      "an operator that is not known",
      (net) => Object.assign(named(net, "relu1"), { op: "LeakyReLU" }),
      /net-0007\.params: relu1: the operator LeakyReLU is not known/,
    ],
    [
      "one that JavaScript would find anyway",
      (net) => Object.assign(named(net, "relu1"), { op: "constructor" }),
      /the operator constructor is not known/,
    ],
    [
      "an attribute that is not known",
      (net) => Object.assign(named(net, "qconv").attr, { gain: "2" }),
      /qconv \(QConvolution\): gain is 2; what that means/,
    ],
    [
      "activations of two bits",
      (net) => Object.assign(named(net, "sc").attr, { act_bit: "2" }),
      /sc \(QConvolution\): act_bit is 2; only 1 is known/,
    ],
    [
      "weights that nobody packed",
      (net) => delete named(net, "qconv").attr.binarized_weights_only,
      /qconv \(QConvolution\): its weights are real numbers; pack the network/,
    ],
    [
      "an activation other than ReLU",
      (net) => Object.assign(named(net, "relu1").attr, { act_type: "tanh" }),
      /act_type is tanh; only relu/,
    ],
    [
      "pooling of windows",
      (net) => delete named(net, "pool1").attr.global_pool,
      /global_pool is False; only True/,
    ],
    [
      "a kernel without a size",
      (net) => delete named(net, "conv0").attr.kernel,
      /conv0 \(Convolution\): kernel is missing; must be height and width/,
    ],
    [
      "another number of filters than the file has",
      (net) => Object.assign(named(net, "fc1").attr, { num_hidden: "4" }),
      /fc1_weight is \[3,64\], must be \[4,64\]/,
    ],
    [
      "2^20 filters",
      (net) => Object.assign(named(net, "qconv").attr, { num_filter: "1048576" }),
      /_plus0/,
    ],
    [
      "a second image",
      (net) => {
        named(net, "_plus0").inputs[1][0] = net.nodes.indexOf(named(net, "qconv_weight"));
      },
      /data and qconv_weight both come from outside/,
    ],
    [
      "another output of a batch norm",
      (net) => named(net, "conv0").inputs[0].splice(1, 1, 1),
      /conv0 \(Convolution\): its input 0 reads output 1/,
    ],
    [
      "more padding than kernel",
      (net) => Object.assign(named(net, "sc").attr, { pad: "(9999, 9999)" }),
      /sc \(QConvolution\): pad is \(9999, 9999\); must be smaller than the kernel/,
    ],
    [
      "words of another network",
      (net) => {
        const { data } = net.arrays.get("arg:sc_weight")!;
        net.arrays.set("arg:sc_weight", { shape: [32], type: 1, data: data.subarray(0, 256) });
      },
      /sc_weight: \[32\] float64 is not 4096 weights in words of 32 or 64 bits/,
    ],
    ["an array that is missing", (net) => net.arrays.delete("arg:fc1_bias"), /1 missing: fc1_bias/],
    [
      "an array that nothing reads",
      (net) => net.arrays.set("arg:fc9_bias", { shape: [1], type: 0, data: floats([1]) }),
      /1 unexpected: fc9_bias/,
    ],
    [
      "one name for a parameter and a statistic",
      (net) => net.arrays.set("aux:fc1_bias", { shape: [1], type: 0, data: floats([1]) }),
      /two tensors are named fc1_bias/,
    ],
    [
      "NaN",
      (net) => {
        const data = floats([1, Number.NaN, 2]);
        net.arrays.set("arg:fc1_bias", { shape: [3], type: 0, data });
      },
      /fc1_bias: 1 of 3 values are NaN/,
    ],
    [
      "a variance below 0",
      (net) => {
        const data = floats([1, -1, 2]);
        net.arrays.set("aux:bn_data_moving_var", { shape: [3], type: 0, data });
      },
      /bn_data_moving_var: 1 of 3 variances are below 0/,
    ],
  ])("%s", async (_, edit, message) => {
    const network = smallNetwork();
    edit(network);
    const error = await importSmall(network).catch((reason) => reason);
    expect(error).toBeInstanceOf(OnebitError);
    expect(error.message).toMatch(message);
  });

  it.each<[string, ImportOptions, RegExp]>([
    ["no symbol", { symbol: undefined }, /give the text of its -symbol\.json/],
    ["an architecture", { arch: "bnext-t" }, /arch: a bmxnet network describes itself/],
    ["a form", { form: "real" }, /form: a bmxnet network describes itself/],
    ["too few labels", { labels: ["a"] }, /1 label for 3 classes/],
    ["a size beside the input", { preprocess: { size: [8, 8] } }, /images of 8x8 for an input/],
  ])("%s", async (_, options, message) => {
    const error = await importSmall(smallNetwork(), options).catch((reason) => reason);
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toMatch(message);
  });
});
