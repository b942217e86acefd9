import { OnebitError } from "onebit";
import type { Graph, Tensor } from "onebit/graph";
import {
  type BinaryUse,
  binaryUses,
  countZeros,
  replaceZeros,
  signsOnly,
} from "./binary-weights.js";
import type { Match } from "./match.js";

export interface ReadOptions {
  /** Whether weights count as binary: zeros are refused then. */
  readonly binary: boolean;
  readonly zeroWeights?: 1 | -1;
  /** See ImportOptions. */
  readonly weights: "latent" | "signs";
}

/** Reads the tensors one by one, refusing numbers that no trained network holds. */
export async function readTensors(
  graph: Graph,
  matches: readonly Match[],
  options: ReadOptions,
): Promise<{ readonly [key: string]: Tensor }> {
  const uses = options.binary ? binaryUses(graph) : new Map<string, BinaryUse>();
  const tensors: { [key: string]: Tensor } = {};
  for await (const [key, tensor] of eachTensor(graph, matches, options)) {
    const use = uses.get(key);
    if (use && options.weights === "signs") {
      const get = signsOnly(tensor.data as Float32Array, tensor.shape, use);
      Object.defineProperty(tensors, key, { enumerable: true, get });
    } else tensors[key] = tensor;
  }
  return tensors;
}

/** The same, each tensor when it is asked for: none is kept. */
export async function* eachTensor(
  graph: Graph,
  matches: readonly Match[],
  { binary, zeroWeights }: ReadOptions,
): AsyncGenerator<readonly [key: string, Tensor]> {
  const uses = binary ? binaryUses(graph) : new Map<string, BinaryUse>();
  for (const { key, spec, entry } of matches) {
    const data = await entry.floats();
    checkNumbers(key, data);
    if (uses.has(key)) settleZeros(key, data, zeroWeights);
    yield [key, { shape: spec.shape, data }];
  }
}

function checkNumbers(key: string, data: Float32Array): void {
  let [nans, infinities, negative] = [0, 0, 0];
  for (const value of data) {
    if (value - value === 0) {
      if (value < 0) negative++;
    } else if (Number.isNaN(value)) nans++;
    else infinities++;
  }
  if (nans + infinities > 0) {
    throw new OnebitError(
      `${key}: ${nans} of ${data.length} values are NaN and ${infinities} infinite: the training diverged or the file is damaged; take an earlier checkpoint`,
    );
  }
  if (negative > 0 && /(\.running|_moving)_var$/.test(key)) {
    throw new OnebitError(
      `${key}: ${negative} of ${data.length} variances are below 0: the file is damaged`,
    );
  }
}

function settleZeros(key: string, data: Float32Array, zeroWeights?: 1 | -1): void {
  const zeros = countZeros(data);
  if (zeros === 0) return;
  if (zeroWeights === undefined) throw hasZeros(key, zeros, data.length);
  replaceZeros(data, zeroWeights);
}

function hasZeros(key: string, zeros: number, count: number): OnebitError {
  return new OnebitError(
    `${key}: ${zeros} of ${count} weights are exactly 0, a 1-bit network has none. ` +
      "Is this a step-1 checkpoint? To go on, say what they count as: zero weights +1 or -1",
  );
}
