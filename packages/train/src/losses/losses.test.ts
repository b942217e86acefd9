import { evaluate, GraphBuilder } from "onebit/graph";
import { describe, expect, it } from "vitest";
import { expectClose } from "../../../core/src/test-support/close.js";
import { readNpz } from "../../../core/src/test-support/npy.js";
import { shared } from "../../../core/src/test-support/shared.js";
import { gradients } from "../gradients/index.js";
import { crossEntropy, distributionLoss, targetsFromLabels } from "./index.js";

const golden = (name: string) => shared(`goldens/ops/${name}.npz`);
const present = golden("loss_cross_entropy") !== undefined;

/** The logits are a tensor, so that the gradient with respect to them can be asked for. */
function lossGraph(
  shape: readonly number[],
  loss: (b: GraphBuilder, logits: string, other: string) => string,
) {
  const b = new GraphBuilder("loss");
  const init = { kind: "constant", value: 0 } as const;
  const logits = b.tensor("student", { shape, kind: "parameter", role: "other", init });
  b.output("loss", loss(b, logits, b.input("other", shape)));
  return gradients(b.build(), { loss: "loss" });
}

describe.runIf(present)("losses against the official code", () => {
  it.each([
    ["loss_cross_entropy", 0],
    ["loss_label_smooth", 0.1],
  ])("%s", (name, smoothing) => {
    const { student, labels, loss, dstudent } = readNpz(golden(name)!);
    const data = targetsFromLabels(Int32Array.from(labels.data), student.shape[1], smoothing);
    const graph = lossGraph(student.shape, crossEntropy);
    const { outputs } = evaluate(graph, { other: { shape: student.shape, data } }, { student });
    expectClose(outputs.loss.data, loss.data, 1e-5, "loss");
    expectClose(outputs["grad:student"].data, dstudent.data, 1e-5, "gradient");
  });

  it("loss_distribution", () => {
    const { student, teacher, loss, dstudent } = readNpz(golden("loss_distribution")!);
    const graph = lossGraph(student.shape, distributionLoss);
    const { outputs } = evaluate(graph, { other: teacher }, { student });
    expectClose(outputs.loss.data, loss.data, 1e-5, "loss");
    expectClose(outputs["grad:student"].data, dstudent.data, 1e-5, "gradient");
  });
});

describe("targets", () => {
  it("are one-hot, or smoothed and still sum to 1", () => {
    expect([...targetsFromLabels(Int32Array.of(2, 0), 3)]).toEqual([0, 0, 1, 1, 0, 0]);
    const smooth = targetsFromLabels(Int32Array.of(1), 4, 0.2);
    expectClose(smooth, [0.05, 0.85, 0.05, 0.05], 1e-6, "target");
  });

  it("must have the logits' shape", () => {
    const b = new GraphBuilder("wrong");
    const logits = b.input("logits", [2, 3]);
    expect(() => crossEntropy(b, logits, b.input("target", [2, 4]))).toThrow(/\[N, classes\]/);
  });
});
