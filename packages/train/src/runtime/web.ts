import type { OnnxRuntime } from "@onebit/convert";
import { OnebitError } from "onebit";
import type { BoundTensor, TrainingRuntime } from "./types.js";

/**
 * onnxruntime-web's WebAssembly provider, in a page or in Node. ort: the package as its user imports it;
 * its threads are set there (ort.env.wasm.numThreads), for all sessions together.
 */
export function webRuntime(ort: OnnxRuntime): TrainingRuntime {
  return {
    target: "cpu",
    async createSession(onnx) {
      const session = await ort.InferenceSession.create(onnx, {
        executionProviders: ["wasm"],
        graphOptimizationLevel: "basic",
      }).catch((error: Error) => {
        throw new OnebitError(`ONNX Runtime refuses the graph: ${error.message}`);
      });
      return {
        async run(feeds, fetches) {
          // Given tensors, it would leave their memory as it is: its own lies in WebAssembly.
          const results = await session.run(feeds, Object.keys(fetches));
          for (const [name, { data }] of Object.entries(fetches)) {
            data.set(results[name].data as Float32Array);
          }
        },
        release: () => session.release(),
      };
    },
    tensor: (data, shape) => new ort.Tensor("float32", data, shape) as BoundTensor,
  };
}
