import { OnebitError } from "../errors.js";
import { type Shape, sizeOf } from "../graph/types.js";
import { broadcastShapes, reduceTo } from "./broadcast.js";
import type { Op } from "./op.js";

/**
 * Matrix product of the last two axes; the axes before them broadcast.
 *
 *   y[..., i, j] = sum_k a[..., i, k] * b[..., k, j]
 *
 * a: [..., M, K]. b: [..., K, N]. y: [..., M, N].
 */
export const matmul: Op = {
  name: "matmul",
  infer: ([a, b]) => [{ shape: productShape(a.shape, b.shape), dtype: "float32" }],
  evaluate([a, b], _, context) {
    const shape = productShape(a.shape, b.shape);
    const [m, k] = a.shape.slice(-2);
    const n = b.shape.at(-1)!;
    const data = context.array(sizeOf(shape));
    const lead = shape.slice(0, -2);
    for (let matrix = 0; matrix < sizeOf(lead); matrix++) {
      const aFrom = matrixAt(matrix, lead, a.shape.slice(0, -2)) * m * k;
      const bFrom = matrixAt(matrix, lead, b.shape.slice(0, -2)) * k * n;
      for (let i = 0; i < m; i++)
        for (let j = 0; j < n; j++) {
          let sum = 0;
          for (let q = 0; q < k; q++) sum += a.data[aFrom + i * k + q] * b.data[bFrom + q * n + j];
          data[(matrix * m + i) * n + j] = sum;
        }
    }
    return [{ shape, data }];
  },
  gradient({ b, inputs: [left, right], gradOutputs: [g], needs }) {
    if (!g) return [];
    const transposed = (value: string) => {
      const rank = b.shape(value).length;
      const perm = [...Array(rank - 2).keys(), rank - 1, rank - 2];
      return b.op("transpose", [value], { perm });
    };
    const dLeft = () => reduceTo(b, b.op("matmul", [g, transposed(right)]), b.shape(left));
    const dRight = () => reduceTo(b, b.op("matmul", [transposed(left), g]), b.shape(right));
    return [needs[0] ? dLeft() : undefined, needs[1] ? dRight() : undefined];
  },
  cost: ([a], [y]) => ({ macs: sizeOf(y.shape) * a.shape.at(-1)!, elementwise: 0 }),
  lower: (l) => [l.emit("MatMul", l.inputs)],
};

function productShape(a: Shape, b: Shape): Shape {
  if (a.length < 2 || b.length < 2) {
    throw new OnebitError(`both must have at least two axes, are [${a}] and [${b}]`);
  }
  const [m, k] = a.slice(-2);
  const [rows, n] = b.slice(-2);
  if (k !== rows) throw new OnebitError(`[${a}] has ${k} columns, [${b}] has ${rows} rows`);
  return [...broadcastShapes([a.slice(0, -2), b.slice(0, -2)]), m, n];
}

/** Index, in a stack of matrices of shape `source`, of what matrix `index` of `lead` reads. */
function matrixAt(index: number, lead: Shape, source: Shape): number {
  let at = 0;
  let stride = 1;
  let rest = index;
  for (let axis = 1; axis <= lead.length; axis++) {
    const dim = lead[lead.length - axis];
    const own = source[source.length - axis] ?? 1;
    if (own !== 1) at += (rest % dim) * stride;
    stride *= own;
    rest = Math.floor(rest / dim);
  }
  return at;
}
