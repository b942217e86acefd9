import type { FloatModel } from "onebit/models";
import { floatModelGraph, scalarInputs } from "onebit/models";
import { toOnnx } from "onebit/onnx";
import ort from "onnxruntime-node";
import type { Competitor } from "./latency.js";

/**
 * ONNX Runtime on the same network in float32, at its best settings: weights as initialisers,
 * every graph optimisation on, as many threads as the others get.
 */
export async function onnxRuntimeCompetitor(
  model: FloatModel,
  image: Float32Array,
  threads: number,
): Promise<Competitor & { dispose(): Promise<void> }> {
  const graph = floatModelGraph(model);
  const { logits } = graph.outputs;
  const scalars = scalarInputs(graph, model.tensors);
  const onnx = toOnnx({ ...graph, outputs: { logits } }, { tensors: model.tensors, scalars });
  const session = await ort.InferenceSession.create(onnx, {
    executionProviders: ["cpu"],
    graphOptimizationLevel: "all",
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
  });
  const { shape } = graph.inputs.find(({ name }) => name === "x")!;
  const x = new ort.Tensor("float32", image, [...shape]);
  return {
    engine: `onnxruntime-node ${ort.env.versions.node ?? ""} float32`.replace("  ", " "),
    threads,
    run: () => session.run({ x }),
    dispose: () => session.release(),
  };
}
