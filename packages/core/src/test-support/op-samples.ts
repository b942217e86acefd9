import type { OpUnderTest } from "./op-graphs.js";

export interface OpSample extends Omit<OpUnderTest, "op" | "mode"> {
  readonly mode?: OpUnderTest["mode"];
  /** Inputs whose gradient the op's rule gives. */
  readonly wanted?: readonly number[];
  /** That gradient is a straight-through estimator's: the op's test compares it with its closed form. */
  readonly estimated?: boolean;
  /** Where random inputs come from; default: -2 to 2. */
  readonly low?: number;
}

const map = [2, 3, 4, 6] as const;
const halve = { kernel: [2, 2], stride: [2, 2], padding: [0, 0] };
const stem = { kernel: [3, 3], stride: [2, 2], padding: [1, 1] };
const plain = { stride: [1, 1], padding: [1, 1], groups: 1 };
const norm = { epsilon: 1e-5, momentum: 0.1 };
const bnext = { scale: "none", estimator: "identity", range: 1.5, threshold: 1e-7, zero: -1 };
const reactnet = { scale: "channel-mean", estimator: "clip", range: 1, threshold: 0, zero: -1 };
const clip = { estimator: "clip", range: 1, zero: -1 };

const estimated = { wanted: [0], estimated: true };
const unary: OpSample[] = [{ shapes: [map], wanted: [0] }];
const positive: OpSample[] = [{ shapes: [map], wanted: [0], low: 0.1 }];
const binary: OpSample[] = [
  { shapes: [map, map], wanted: [0, 1] },
  { shapes: [map, [3, 1, 1]], wanted: [0, 1] },
];
const comparison: OpSample[] = [{ shapes: [map, map] }];
const reduction: OpSample[] = [
  { shapes: [map], attrs: { axes: [0, 2, 3] }, wanted: [0] },
  { shapes: [map], attrs: { axes: [2, 3], keepDims: true }, wanted: [0] },
  { shapes: [map], attrs: {}, wanted: [0] },
];

/** For every op: inputs and attributes as networks use them. */
export const opSamples: { readonly [op: string]: readonly OpSample[] } = {
  abs: unary,
  add: binary,
  "average-pool": [
    { shapes: [map], attrs: halve, wanted: [0] },
    { shapes: [map], attrs: stem, wanted: [0] },
  ],
  "average-pool-gradient": [
    { shapes: [[2, 3, 2, 3]], attrs: { ...halve, inputShape: map }, wanted: [0] },
  ],
  "batch-norm": [
    { shapes: [map, [3], [3], [3], [3]], attrs: norm, wanted: [0, 1, 2], low: 0.1 },
    {
      shapes: [map, [3], [3], [3], [3]],
      ...{ attrs: norm, wanted: [0, 1, 2], low: 0.1, mode: "training" },
    },
    {
      shapes: [map, [3], [3], [3], [3]],
      ...{ attrs: { ...norm, frozen: true }, wanted: [0, 1, 2], low: 0.1, mode: "training" },
    },
  ],
  "batch-norm-gradient": [
    { shapes: [map, map, [3], [3], [3]], low: 0.1 },
    { shapes: [map, map, [3], [3], [3]], low: 0.1, mode: "training" },
  ],
  bias: [{ shapes: [map, [3]], wanted: [0, 1] }],
  "binarize-weight": [
    { shapes: [[4, 3, 3, 3]], attrs: bnext, wanted: [0], estimated: true },
    {
      shapes: [[4, 3, 3, 3], []],
      ...{ attrs: bnext, wanted: [0], estimated: true, low: 0.5, mode: "training" },
    },
    {
      shapes: [[4, 3, 3, 3]],
      ...{ attrs: reactnet, wanted: [0], estimated: true, mode: "training" },
    },
  ],
  "binary-conv": [
    { shapes: [map, [4, 3, 3, 3]], attrs: { ...plain, padValue: 0 }, wanted: [0, 1] },
    { shapes: [map, [4, 3, 3, 3]], attrs: { ...plain, padValue: -1 }, wanted: [0, 1] },
    {
      shapes: [map, [4, 3, 2, 3]],
      attrs: { ...plain, padding: [2, 2], dilation: [3, 2], padValue: 1 },
      wanted: [0, 1],
    },
  ],
  "channel-shuffle": [{ shapes: [map], attrs: { groups: 3 }, wanted: [0] }],
  clamp: [{ shapes: [map], attrs: { low: -1.5, high: 1, when: "always" }, wanted: [0] }],
  concat: [{ shapes: [map, map], attrs: { axis: 1 }, wanted: [0, 1] }],
  constant: [{ shapes: [], attrs: { value: 0.5, shape: [2, 3] } }],
  conv: [
    { shapes: [map, [4, 3, 3, 3]], attrs: plain, wanted: [0, 1] },
    { shapes: [map, [4, 3, 1, 1]], attrs: { ...plain, padding: [0, 0] }, wanted: [0, 1] },
    { shapes: [map, [6, 1, 3, 3]], attrs: { ...plain, groups: 3 }, wanted: [0, 1] },
    { shapes: [map, [4, 3, 3, 3]], attrs: { ...plain, dilation: [1, 2] }, wanted: [0, 1] },
    { shapes: [map, [4, 3, 3, 3]], attrs: { ...plain, stride: [2, 2] }, wanted: [0, 1] },
  ],
  "conv-input-gradient": [
    { shapes: [map, [3, 4, 3, 3]], attrs: { ...plain, inputShape: [2, 4, 4, 6] }, wanted: [0, 1] },
    {
      shapes: [
        [2, 3, 2, 3],
        [3, 4, 3, 3],
      ],
      ...{ attrs: { ...plain, stride: [2, 2], inputShape: [2, 4, 4, 6] }, wanted: [0, 1] },
    },
  ],
  "conv-weight-gradient": [
    { shapes: [map, [2, 4, 4, 6]], attrs: { ...plain, weightShape: [4, 3, 3, 3] }, wanted: [0, 1] },
    {
      shapes: [map, [2, 4, 2, 3]],
      ...{ attrs: { ...plain, stride: [2, 2], weightShape: [4, 3, 3, 3] }, wanted: [0, 1] },
    },
  ],
  detach: [{ shapes: [map] }],
  dilate: [{ shapes: [[2, 3, 3, 2]], attrs: { dilation: [2, 3] }, wanted: [0] }],
  undilate: [{ shapes: [[2, 3, 5, 4]], attrs: { dilation: [2, 3] }, wanted: [0] }],
  div: [
    { shapes: [map, map], wanted: [0, 1], low: 0.5 },
    { shapes: [map, [3, 1, 1]], wanted: [0, 1], low: 0.5 },
  ],
  equal: comparison,
  exp: unary,
  expand: [{ shapes: [[3, 1, 1]], attrs: { shape: map }, wanted: [0] }],
  "global-average-pool": unary,
  "global-average-pool-gradient": [
    { shapes: [[2, 3, 1, 1]], attrs: { inputShape: map }, wanted: [0] },
  ],
  greater: comparison,
  "greater-equal": comparison,
  "hard-sigmoid": unary,
  less: comparison,
  "less-equal": comparison,
  linear: [
    { shapes: [[4, 6], [5, 6], [5]], wanted: [0, 1, 2] },
    {
      shapes: [
        [4, 6],
        [5, 6],
      ],
      wanted: [0, 1],
    },
  ],
  log: positive,
  logic: (["and", "or", "xnor"] as const).map((gate) => {
    return { shapes: [map, map], attrs: { gate }, wanted: [0, 1], estimated: gate !== "xnor" };
  }),
  "log-softmax": [{ shapes: [[4, 7]], attrs: { axis: -1 }, wanted: [0] }],
  matmul: [
    {
      shapes: [
        [4, 6],
        [6, 5],
      ],
      wanted: [0, 1],
    },
  ],
  max: reduction,
  "max-pool": [
    { shapes: [map], attrs: halve, wanted: [0] },
    { shapes: [map], attrs: stem, wanted: [0] },
  ],
  "max-pool-gradient": [{ shapes: [[2, 3, 2, 3], map, [2, 3, 2, 3]], attrs: halve }],
  maximum: binary,
  mean: reduction,
  minimum: binary,
  mix: [{ shapes: [map, map, [1, 3, 1, 1]], wanted: [0, 1, 2] }],
  mul: binary,
  neg: unary,
  pad: [
    {
      shapes: [map],
      ...{ attrs: { before: [0, 0, 1, 2], after: [0, 0, 2, 0], value: 0 }, wanted: [0] },
    },
    {
      shapes: [map],
      ...{ attrs: { before: [0, 2, 0, 0], after: [0, 1, 0, 0], value: 0 }, wanted: [0] },
    },
  ],
  prelu: [{ shapes: [map, [3]], wanted: [0, 1] }],
  "prelu-gradient": [{ shapes: [map, map, [3]] }],
  quantise: [
    { shapes: [[3, 10]], attrs: { bits: 8, clip: 25, leading: 1 }, ...estimated },
    { shapes: [map], attrs: { bits: 4, clip: 1000, leading: 2 }, ...estimated },
  ],
  "quantise-weight": [
    { shapes: [[4, 3, 3, 3]], attrs: { bits: 8, clip: 1000, leading: 2 }, ...estimated },
    { shapes: [[4, 6]], attrs: { bits: 4, clip: 1, leading: 1, symmetric: true }, ...estimated },
  ],
  relu: unary,
  "relu-gradient": [{ shapes: [map, map] }],
  "replicate-pad": [
    { shapes: [map], attrs: { padding: [1, 2] }, wanted: [0] },
    { shapes: [[2, 3, 1, 2]], attrs: { padding: [2, 1] }, wanted: [0] },
  ],
  reshape: [{ shapes: [map], attrs: { shape: [0, -1] }, wanted: [0] }],
  round: [{ shapes: [map], ...estimated }],
  sigmoid: unary,
  sign: [
    { shapes: [map], attrs: clip, ...estimated },
    { shapes: [map], attrs: { ...clip, estimator: "approx", zero: 1 }, ...estimated },
    { shapes: [map], attrs: { ...clip, estimator: "swish" }, ...estimated },
  ],
  "sign-gradient": [{ shapes: [map, map], attrs: { estimator: "approx", range: 1 } }],
  slice: [{ shapes: [map], attrs: { axis: 1, start: 1, end: 3 }, wanted: [0] }],
  softmax: [{ shapes: [[4, 7]], attrs: { axis: -1 }, wanted: [0] }],
  sqrt: positive,
  sub: binary,
  sum: reduction,
  transpose: [{ shapes: [map], attrs: { perm: [0, 2, 3, 1] }, wanted: [0] }],
  where: [{ shapes: [map, map, map], bools: [0], wanted: [1, 2] }],
};
