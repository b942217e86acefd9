import { createRequire } from "node:module";
import type { FloatTensor } from "onebit";
import type { Graph, Tensor } from "onebit/graph";
import { scalarInputs } from "onebit/models";
import { toOnnx } from "onebit/onnx";
import ort from "onnxruntime-node";
import type { Competitor } from "./latency.js";

export interface Peer extends Competitor {
  dispose(): Promise<void>;
}

/**
 * ONNX Runtime on the same network in float32, at its best settings: weights as initialisers,
 * every graph optimisation on, as many threads as asked for.
 */
export async function onnxRuntimeCompetitor(
  graph: Graph,
  tensors: { readonly [key: string]: Tensor },
  input: FloatTensor,
  threads: number,
): Promise<Peer> {
  const { logits } = graph.outputs;
  const scalars = scalarInputs(graph, tensors);
  const onnx = toOnnx({ ...graph, outputs: { logits } }, { tensors, scalars });
  const start = performance.now();
  const session = await ort.InferenceSession.create(onnx, {
    executionProviders: ["cpu"],
    graphOptimizationLevel: "all",
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
  });
  const loadMs = performance.now() - start;
  const x = new ort.Tensor("float32", input.data, [...input.shape]);
  return {
    engine: `onnxruntime-node ${ortVersion()}, float32`,
    backend: "cpu",
    threads,
    loadMs,
    run: () => session.run({ x }),
    dispose: () => session.release(),
  };
}

function ortVersion(): string {
  const require = createRequire(import.meta.url);
  return (require("onnxruntime-node/package.json") as { version: string }).version;
}
