/** The place of the largest. */
export function largest(scores: Float32Array): number {
  return scores.reduce((best, score, i) => (score > scores[best] ? i : best), 0);
}
