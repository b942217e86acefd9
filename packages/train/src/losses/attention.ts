import { OnebitError } from "onebit";
import type { GraphBuilder } from "onebit/graph";
import { type LossKind, TEACHER_NUMBER, teacherValue } from "./loss.js";
import { meanOf } from "./soft-cross-entropy.js";

/**
 * Matches where student and teacher look: with Q[n] the squares of a map summed over its channels,
 *
 *   L = mean_n || Q_s[n] / ||Q_s[n]|| - Q_t[n] / ||Q_t[n]|| ||
 *
 * Maps are [N, C, H, W]; channels may differ, height and width may not.
 */
export const attention: LossKind<{ student: string; teacher: number; output: string }> = {
  name: "attention",
  description:
    "match attention maps: `student` names a map of the network, `output` one of the teacher",
  source: "Zagoruyko and Komodakis, arXiv 1612.03928; Real-to-Binary, arXiv 2003.11535",
  defaults: { student: "stage-16", teacher: 0, output: "stage-16" },
  ...TEACHER_NUMBER,
  make:
    ({ student, teacher, output }) =>
    (b, outputs, inputs) => {
      const [own, wanted] = [outputs.get(student), inputs.get(teacherValue(teacher, output))];
      const [from, to] = [own, wanted].map((map) => b.shape(map));
      if (from.length !== 4 || to.length !== 4 || from[2] !== to[2] || from[3] !== to[3]) {
        throw new OnebitError(
          `attention: "${student}" of the network is [${from}], "${output}" of the teacher [${to}]: maps of the same height and width are wanted`,
        );
      }
      const gap = b.op("sub", [attentionMap(b, own), b.op("detach", [attentionMap(b, wanted)])]);
      return meanOf(b, norm(b, gap));
    },
};

/** [N, C, H, W] to [N, 1, H, W] of length 1. */
function attentionMap(b: GraphBuilder, map: string): string {
  const squares = b.op("mul", [map, map]);
  const energy = b.op("sum", [squares], { axes: [1], keepDims: true });
  return b.op("div", [energy, norm(b, energy)]);
}

/** Keeps the root's gradient finite where everything is 0. */
const SMALLEST = 1e-12;

/** Over all but the first dimension. */
function norm(b: GraphBuilder, value: string): string {
  const squares = b.op("mul", [value, value]);
  const sum = b.op("sum", [squares], { axes: [1, 2, 3], keepDims: true });
  return b.op("sqrt", [b.op("add", [sum, b.constant(SMALLEST)])]);
}
