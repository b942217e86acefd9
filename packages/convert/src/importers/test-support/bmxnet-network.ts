import { bytes, floats, int, type Part, seeded } from "../../readers/test-support/bytes.js";

/** A small network as BMXNet's converter leaves it: words of signs, statistics, and a symbol. */
export interface SmallNetwork {
  readonly nodes: SymbolJson[];
  readonly arrays: Map<string, Stored>;
}

export interface SymbolJson {
  readonly op: string;
  readonly name: string;
  attr: { [name: string]: string };
  inputs: number[][];
}

export interface Stored {
  readonly shape: readonly number[];
  /** MXNet's number of the element type: 0 float32, 1 float64. */
  readonly type: 0 | 1;
  readonly data: Uint8Array;
}

export const channels = 64;
export const classes = 3;
export const side = 5;

/**
 *   data -> bn_data -> conv0 -> bn -> qconv (3x3, stride 2) -> + -> bn1 -> relu -> mean -> fc
 *                                \-> sc    (1x1, stride 2) -/
 *
 * bits: of a word, 32 or 64.
 */
export function smallNetwork(bits: 32 | 64 = 64): SmallNetwork {
  const random = seeded(5);
  const nodes: SymbolJson[] = [];
  const arrays = new Map<string, Stored>();
  const add = (op: string, name: string, inputs: number[], attr = {}) =>
    nodes.push({ op, name, attr, inputs: inputs.map((input) => [input, 0, 0]) }) - 1;
  const store = (kind: string, name: string, stored: Stored) => {
    arrays.set(`${kind}:${name}`, stored);
    return add("null", name, []);
  };
  const real = (name: string, shape: number[], low: number, high: number, kind = "arg") => {
    const size = shape.reduce((product, dim) => product * dim, 1);
    const unit = () => random(1000) / 1000;
    const values = Array.from({ length: size }, () => low + (high - low) * unit());
    return store(kind, name, { shape, type: 0, data: floats(values) });
  };
  const words = (name: string, size: number) => {
    const data = Uint8Array.from({ length: size / 8 }, () => random(256));
    return store("arg", name, { shape: [size / bits], type: bits === 64 ? 1 : 0, data });
  };
  const norm = (name: string, x: number, c: number, mean: number, fixed: boolean) => {
    const inputs = [
      x,
      real(`${name}_gamma`, [c], -2, 2),
      real(`${name}_beta`, [c], -1, 1),
      real(`${name}_moving_mean`, [c], mean - 2, mean + 2, "aux"),
      real(`${name}_moving_var`, [c], 0.5, 3, "aux"),
    ];
    const attr = { eps: "2e-05", fix_gamma: fixed ? "True" : "False", momentum: "0.9" };
    return add("BatchNorm", name, inputs, attr);
  };
  const window = { kernel: "(3, 3)", pad: "(1, 1)", no_bias: "True", num_filter: `${channels}` };
  const binary = { ...window, stride: "(2, 2)", act_bit: "1", binarized_weights_only: "True" };

  const image = norm("bn_data", add("null", "data", []), 3, 0, true);
  const weight = real("conv0_weight", [channels, 3, 3, 3], -1, 1);
  const stem = add("Convolution", "conv0", [image, weight], { ...window, workspace: "256" });
  const x = norm("bn", stem, channels, 0, false);
  const q = words("qconv_weight", channels * channels * 9);
  const main = add("QConvolution", "qconv", [x, q], binary);
  const one = { ...binary, kernel: "(1, 1)", pad: "(0, 0)" };
  const shortcut = add("QConvolution", "sc", [x, words("sc_weight", channels * channels)], one);
  const sum = add("elemwise_add", "_plus0", [main, shortcut]);
  const last = norm("bn1", sum, channels, (channels * 10) / 2, false);
  const relu = add("Activation", "relu1", [last], { act_type: "relu" });
  const pool = { global_pool: "True", kernel: "(7, 7)", pool_type: "avg" };
  const mean = add("Pooling", "pool1", [relu], pool);
  const flat = add("Flatten", "flatten0", [mean]);
  const fc = [real("fc1_weight", [classes, channels], -1, 1), real("fc1_bias", [classes], -1, 1)];
  const logits = add("FullyConnected", "fc1", [flat, ...fc], { num_hidden: `${classes}` });
  add("SoftmaxOutput", "softmax", [logits, add("null", "softmax_label", [])]);
  return { nodes, arrays };
}

export function paramsOf({ arrays }: SmallNetwork): Uint8Array<ArrayBuffer> {
  const record = ({ shape, type, data }: Stored): Part => [
    int(shape.length, 4),
    ...shape.map((dim) => int(dim, 4)),
    ...[int(1, 4), int(0, 4), int(type, 4), data],
  ];
  const head = [int(0x112, 8), int(0, 8), int(arrays.size, 8)];
  const names = [...arrays.keys()].map((name) => [int(name.length, 8), name]);
  return bytes(head, [...arrays.values()].map(record), int(arrays.size, 8), names);
}

export function symbolText({ nodes }: SmallNetwork): string {
  return JSON.stringify({ nodes, heads: [[nodes.length - 1, 0, 0]] });
}
