import type { TensorEntry } from "../../readers/tensor-entry.js";
import { cholesky, logDeterminant, type SquareMatrix, solveLower } from "./cholesky.js";

type Tensors = ReadonlyMap<string, TensorEntry>;

/**
 * Whether the batch norms behind ReActNet's convolutions have seen real weights w or sign(w) mean|w|.
 * With signs of mean m_i in input channel i, output channel o has the mean
 *
 *   t_o = sum_i A_oi m_i + noise        A_oi: sum over the kernel of the weights that were used
 *
 * in units of its standard deviation. t is stored; m is not, but the same for all outputs, so that
 * wrong weights explain t worse. For m and noise normal with variances v and r v, the better r found
 * by trying, the better v in closed form, the logarithm of the likelihood of t is
 *
 *   -1/2 (n log(t' K^-1 t) + log det K) + const,   K = A A' + r I
 *
 * Returns that of binary minus that of real weights, summed over the smaller layers: 0 where nothing
 * tells, tens to hundreds for networks that have seen images, of either sign.
 */
export async function binaryEvidence(tensors: Tensors): Promise<number> {
  let evidence = 0;
  for (const layers of smallest(groupsOf(tensors))) {
    const parts = await Promise.all(layers.map((layer) => statisticsOf(layer, tensors)));
    const target = parts.flatMap(({ means }) => means);
    if (target.every((mean) => mean === 0)) continue;
    const real = logLikelihood(
      parts.flatMap(({ real }) => real),
      target,
    );
    const binary = logLikelihood(
      parts.flatMap(({ binary }) => binary),
      target,
    );
    evidence += binary - real;
  }
  return Number.isFinite(evidence) ? evidence : 0;
}

interface Layer {
  readonly weight: TensorEntry;
  /** Key of the batch norm behind it. */
  readonly norm: string;
}

const LAYER = /^(.*)\.(binary_3x3|binary_pw|binary_pw_down1|binary_pw_down2|binary_conv)\.weight$/;
const NORMS: { readonly [conv: string]: string } = {
  binary_pw: "bn2",
  binary_pw_down1: "bn2_1",
  binary_pw_down2: "bn2_2",
};

/** Convolutions, those with the same input together. */
function groupsOf(tensors: Tensors): Layer[][] {
  const groups = new Map<string, Layer[]>();
  for (const [key, weight] of tensors) {
    const [, block, conv] = LAYER.exec(key) ?? [];
    if (!conv || weight.shape.length !== 4) continue;
    const input = `${block}.${conv.replace(/\d$/, "")}`;
    const norm = `${block}.${NORMS[conv] ?? "bn1"}`;
    if (!tensors.has(`${norm}.running_mean`) || !tensors.has(`${norm}.running_var`)) continue;
    groups.set(input, [...(groups.get(input) ?? []), { weight, norm }]);
  }
  return [...groups.values()];
}

const maxGroups = 12;
const maxRows = 96;

function smallest(groups: readonly Layer[][]): readonly Layer[][] {
  const size = (layers: readonly Layer[]) =>
    layers.reduce((sum, { weight }) => sum + weight.elements, 0);
  return groups.toSorted((a, b) => size(a) - size(b)).slice(0, maxGroups);
}

interface Statistics {
  readonly means: readonly number[];
  /** Rows of A. */
  readonly real: readonly Float64Array[];
  readonly binary: readonly Float64Array[];
}

async function statisticsOf({ weight, norm }: Layer, tensors: Tensors): Promise<Statistics> {
  const [outs, ins] = weight.shape;
  const weights = await weight.floats();
  const means = await tensors.get(`${norm}.running_mean`)!.floats();
  const variances = await tensors.get(`${norm}.running_var`)!.floats();
  const deviations = variances.map((variance) => Math.sqrt(variance + 1e-5));
  const rows = Array.from({ length: Math.min(outs, maxRows) }, (_, o) => o);
  const length = weights.length / outs;
  const row = (o: number, used: (w: number) => number) => {
    const sums = new Float64Array(ins);
    for (let k = 0; k < length; k++) {
      sums[Math.floor((k * ins) / length)] += used(weights[o * length + k]) / deviations[o];
    }
    return sums;
  };
  const meanSize = (o: number) =>
    weights.subarray(o * length, (o + 1) * length).reduce((sum, w) => sum + Math.abs(w), 0) /
    length;
  return {
    means: rows.map((o) => means[o] / deviations[o]),
    real: rows.map((o) => row(o, (w) => w)),
    binary: rows.map((o) => {
      const size = meanSize(o);
      return row(o, (w) => Math.sign(w) * size);
    }),
  };
}

/** Ratios of noise to signal that are tried, in units of the mean square of a row. */
const ratios = Array.from({ length: 13 }, (_, i) => 10 ** (i / 2 - 4));

function logLikelihood(rows: readonly Float64Array[], target: readonly number[]): number {
  const n = rows.length;
  const gram: SquareMatrix = rows.map((a, i) =>
    Float64Array.from(rows.slice(0, i + 1), (b) => a.reduce((sum, x, k) => sum + x * b[k], 0)),
  );
  const scale = gram.reduce((sum, line, i) => sum + line[i], 0) / n;
  const likelihoods = ratios.map((ratio) => {
    const lower = cholesky(
      gram.map((line, i) => line.map((x, j) => x / scale + (i === j ? ratio : 0))),
    );
    const whitened = solveLower(lower, target);
    const square = whitened.reduce((sum, x) => sum + x * x, 0);
    return -(n * Math.log(square) + logDeterminant(lower)) / 2;
  });
  return Math.max(...likelihoods);
}
