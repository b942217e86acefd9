import { OnebitError } from "onebit";
import type { OnnxFile, OnnxNodeInfo } from "./model.js";

/**
 * What a network's scores are: logits; probabilities that sum to 1 over the classes, or their logarithms;
 * those of classes that are each judged alone; or what the operators do not tell and its numbers must.
 */
export type ScoreKind = "logits" | "softmax" | "log-softmax" | "sigmoid" | "unknown";

/** Operators that move, rename, round or drop numbers of their first input, but keep each. */
const KEEPING = new Set(
  "Identity Reshape Flatten Squeeze Unsqueeze Transpose Cast CastLike Dropout Clip Slice Gather Split QuantizeLinear DequantizeLinear".split(
    " ",
  ),
);

const ENDS: { readonly [op: string]: ScoreKind } = {
  ...{ Softmax: "softmax", LogSoftmax: "log-softmax", Sigmoid: "sigmoid", HardSigmoid: "sigmoid" },
  ...{ Gemm: "logits", MatMul: "logits", Conv: "logits" },
};

/** Told by the last operator that computes something; an Add of a bias counts with what it is added to. */
export function scoreKind({ nodes, producer }: OnnxFile, output: string): ScoreKind {
  if (producer === "onebit" && output === "logits") return "logits";
  const producers = new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node])));
  const kindOf = (value: string): ScoreKind => {
    const node = lastComputed(producers, value);
    return (node && ENDS[node.op]) ?? "unknown";
  };
  const last = lastComputed(producers, output);
  if (last?.op !== "Add") return kindOf(output);
  return last.inputs.some((input) => kindOf(input) === "logits") ? "logits" : "unknown";
}

function lastComputed(producers: ReadonlyMap<string, OnnxNodeInfo>, output: string) {
  let node = producers.get(output);
  for (let i = 0; node && KEEPING.has(node.op) && i < producers.size; i++) {
    node = producers.get(node.inputs[0]);
  }
  return node;
}

/** Float16 and 8-bit outputs round. */
const ROUNDING = 0.01;
/** Of float32: positive logits of two images of noise may well have almost the same sum. */
const FINE_ROUNDING = 1e-5;

/** Of probabilities, of percentages, and of 8-bit numbers. */
const USUAL_SUMS = [1, 100, 255, 256];

/**
 * What the scores are, now that those of two different images are known; a sentence where that is
 * more than the operators say. Non-negative scores whose sum is the same for every image are
 * probabilities: logits are not. OnebitError where a softmax runs over anything but the classes.
 */
export function judgeScores(
  kind: ScoreKind,
  rows: readonly Float32Array[],
): { readonly kind: ScoreKind; readonly note?: string } {
  const sums = rows.map((row) => row.reduce((sum, x) => sum + x, 0));
  if (!sums.every(Number.isFinite)) return { kind: kind === "unknown" ? "logits" : kind };
  if (kind === "softmax") {
    const wrong = sums.find((sum) => sum > 1 + 2 * ROUNDING);
    if (wrong === undefined || isCoarse(rows)) return { kind };
    throw new OnebitError(
      `it ends in a softmax, but the scores of one image sum to ${wrong.toPrecision(3)}, not 1: the softmax runs over another axis than that of the classes; export the network without it, or with the right axis`,
    );
  }
  if (kind !== "unknown" || !rows.every((row) => row.every((x) => x > -1e-6))) {
    return { kind: kind === "unknown" ? "logits" : kind };
  }
  const [sum] = sums;
  const isSame = rows.every((row) => row.every((x, i) => x === rows[0][i]));
  const isUsual = USUAL_SUMS.some((usual) => Math.abs(sum - usual) <= ROUNDING * usual);
  const rounding = isUsual ? ROUNDING : FINE_ROUNDING;
  const isShare = sum > 0 && sums.every((other) => Math.abs(other - sum) <= rounding * sum);
  if (isShare && (!isSame || Math.abs(sum - 1) <= ROUNDING)) {
    return {
      kind: "softmax",
      note: `the scores of every image sum to ${Number(sum.toPrecision(2))}: they are taken for probabilities, and their logarithms for logits`,
    };
  }
  if (isSame || !rows.every((row) => row.every((x) => x <= 1))) return { kind: "logits" };
  return {
    kind: "logits",
    note: "all scores lie between 0 and 1 but do not sum to 1: they are taken as they are, so percentages and losses are wrong if a sigmoid made them; export the network without it",
  };
}

/** Steps of 1/256 or 1/255, as 8-bit networks store probabilities: their sum says little. */
function isCoarse(rows: readonly Float32Array[]): boolean {
  const isStep = (x: number) => [255, 256].some((n) => Math.abs(n * x - Math.round(n * x)) < 1e-3);
  return rows.some((row) => row.some((x) => x > 0 && x < 1) && row.every(isStep));
}

/** The smallest normal float32, and the largest float32 below 1: logarithms of 0 are no scores. */
const [LEAST, MOST] = [2 ** -126, 1 - 2 ** -24];

/**
 * What a softmax or a sigmoid made of them is undone: logarithms of probabilities are logits, less one number
 * for each image.
 */
export function logitsOf(kind: ScoreKind, scores: Float32Array): Float32Array {
  if (kind === "softmax") return scores.map((p) => Math.log(Math.max(p, LEAST)));
  if (kind !== "sigmoid") return scores;
  return scores.map((p) => {
    const inside = Math.min(MOST, Math.max(LEAST, p));
    return Math.log(inside / (1 - inside));
  });
}
