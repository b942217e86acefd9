import { OnebitError } from "../errors.js";
import { abs } from "./abs.js";
import { add } from "./add.js";
import { averagePool } from "./average-pool.js";
import { averagePoolGradient } from "./average-pool-gradient.js";
import { batchNorm } from "./batch-norm.js";
import { batchNormGradient } from "./batch-norm-gradient.js";
import { bias } from "./bias.js";
import { binarizeWeight } from "./binarize-weight.js";
import { binaryConv } from "./binary-conv.js";
import { channelShuffle } from "./channel-shuffle.js";
import { clamp } from "./clamp.js";
import { equal, greater, greaterEqual, less, lessEqual } from "./compare.js";
import { concat } from "./concat.js";
import { constant } from "./constant.js";
import { conv } from "./conv.js";
import { convInputGradient } from "./conv-input-gradient.js";
import { convWeightGradient } from "./conv-weight-gradient.js";
import { detach } from "./detach.js";
import { dilate, undilate } from "./dilate.js";
import { div } from "./div.js";
import { exp } from "./exp.js";
import { expand } from "./expand.js";
import { maximum, minimum } from "./extremum.js";
import { globalAveragePool } from "./global-average-pool.js";
import { globalAveragePoolGradient } from "./global-average-pool-gradient.js";
import { hardSigmoid } from "./hard-sigmoid.js";
import { linear } from "./linear.js";
import { log } from "./log.js";
import { logSoftmax } from "./log-softmax.js";
import { logic } from "./logic.js";
import { matmul } from "./matmul.js";
import { max } from "./max.js";
import { maxPool } from "./max-pool.js";
import { maxPoolGradient } from "./max-pool-gradient.js";
import { mean } from "./mean.js";
import { mix } from "./mix.js";
import { mul } from "./mul.js";
import { neg } from "./neg.js";
import type { Op } from "./op.js";
import { pad } from "./pad.js";
import { prelu } from "./prelu.js";
import { preluGradient } from "./prelu-gradient.js";
import { quantise } from "./quantise.js";
import { quantiseWeightOp } from "./quantise-weight.js";
import { relu } from "./relu.js";
import { reluGradient } from "./relu-gradient.js";
import { replicatePad } from "./replicate-pad.js";
import { reshape } from "./reshape.js";
import { round } from "./round.js";
import { sigmoid } from "./sigmoid.js";
import { sign } from "./sign.js";
import { signGradient } from "./sign-gradient.js";
import { slice } from "./slice.js";
import { softmax } from "./softmax.js";
import { sqrt } from "./sqrt.js";
import { sub } from "./sub.js";
import { sum } from "./sum.js";
import { transpose } from "./transpose.js";
import { where } from "./where.js";

// biome-ignore lint/suspicious/noExplicitAny: ops differ in their attribute types; each op checks its own
const list: readonly Op<any>[] = [
  abs,
  add,
  bias,
  channelShuffle,
  clamp,
  equal,
  greater,
  greaterEqual,
  less,
  lessEqual,
  concat,
  constant,
  detach,
  dilate,
  undilate,
  div,
  exp,
  expand,
  maximum,
  minimum,
  hardSigmoid,
  log,
  logic,
  max,
  mean,
  mix,
  mul,
  neg,
  pad,
  prelu,
  preluGradient,
  relu,
  reluGradient,
  replicatePad,
  reshape,
  round,
  sigmoid,
  slice,
  sqrt,
  sub,
  sum,
  transpose,
  where,
  conv,
  averagePool,
  averagePoolGradient,
  batchNorm,
  batchNormGradient,
  binarizeWeight,
  binaryConv,
  convInputGradient,
  convWeightGradient,
  globalAveragePool,
  globalAveragePoolGradient,
  linear,
  logSoftmax,
  matmul,
  maxPool,
  maxPoolGradient,
  quantise,
  quantiseWeightOp,
  sign,
  signGradient,
  softmax,
];

/** Every op by name. */
export const ops: { readonly [name: string]: Op } = Object.fromEntries(
  list.map((op) => [op.name, op]),
);

/** An op of the registry; OnebitError with the names there are. */
export function opNamed(name: string): Op {
  const op = Object.hasOwn(ops, name) ? ops[name] : undefined;
  if (!op)
    throw new OnebitError(`unknown op "${name}"; known: ${Object.keys(ops).sort().join(", ")}`);
  return op;
}
