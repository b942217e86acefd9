/** Rows of the lower triangle, with the diagonal. */
export type SquareMatrix = readonly Float64Array[];

/** L with L L' = the symmetric, positive matrix of that lower triangle. */
export function cholesky(matrix: SquareMatrix): SquareMatrix {
  const lower = matrix.map((row) => row.slice());
  for (const [i, row] of lower.entries()) {
    for (let j = 0; j <= i; j++) {
      let sum = row[j];
      for (let k = 0; k < j; k++) sum -= row[k] * lower[j][k];
      row[j] = i === j ? Math.sqrt(sum) : sum / lower[j][j];
    }
  }
  return lower;
}

/** x with L x = right. */
export function solveLower(lower: SquareMatrix, right: readonly number[]): Float64Array {
  const x = Float64Array.from(right);
  for (const [i, row] of lower.entries()) {
    for (let k = 0; k < i; k++) x[i] -= row[k] * x[k];
    x[i] /= row[i];
  }
  return x;
}

/** Of L L'. */
export function logDeterminant(lower: SquareMatrix): number {
  return 2 * lower.reduce((sum, row, i) => sum + Math.log(row[i]), 0);
}
