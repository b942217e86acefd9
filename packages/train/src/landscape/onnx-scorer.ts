import { type Graph, rebatch, typesOf } from "onebit/graph";
import { scalarInputs } from "onebit/models";
import { toOnnx, usedTensors } from "onebit/onnx";
import type { Tensors } from "../run/float-model.js";
import { nodeRuntime } from "../runtime/node.js";
import type { Bindings } from "../runtime/types.js";
import type { Scorer } from "./losses.js";

/** The float network on ONNX Runtime, its tensors as inputs: one session for all points. */
export async function onnxScorer(
  network: Graph,
  tensors: Tensors,
  { threads, batch }: { readonly threads: number; readonly batch: number },
): Promise<Scorer> {
  const graph = rebatch(network, batch);
  const runtime = await nodeRuntime();
  const onnx = toOnnx(graph, { target: runtime.target });
  const session = await runtime.createSession(onnx, threads);
  const feeds: Bindings = {};
  const set = (values: Tensors) => {
    for (const key of usedTensors(graph)) {
      const { shape, data } = values[key];
      feeds[key] = runtime.tensor(Float32Array.from(data), shape);
    }
  };
  set(tensors);
  const known = scalarInputs(graph, tensors);
  for (const { name, shape } of graph.inputs) {
    if (!shape.length) feeds[name] = runtime.tensor(Float32Array.of(known[name]), []);
  }
  const [, classes] = typesOf(graph).get(graph.outputs.logits)!.shape;
  return {
    ...{ engine: "onnxruntime", notes: [] },
    set: async (values) => set(values),
    async logits(images, shape) {
      const logits = runtime.tensor(new Float32Array(batch * classes), [batch, classes]);
      await session.run({ ...feeds, x: runtime.tensor(images, shape) }, { logits });
      return logits.data;
    },
    dispose: () => session.release(),
  };
}
