import type { OnnxRuntime } from "@onebit/convert";
import { OnebitError } from "onebit";
import { GraphBuilder } from "onebit/graph";
import { toOnnx } from "onebit/onnx";
import type { BoundTensor, TrainingRuntime } from "./types.js";

/** Where onnxruntime-web computes. */
export type WebProvider = "wasm" | "webgpu";

/**
 * onnxruntime-web, in a page or, its WebAssembly, in Node. ort: the package as its user imports it, for webgpu
 * onnxruntime-web/webgpu; threads are set there (ort.env.wasm.numThreads), for all sessions together.
 */
export function webRuntime(ort: OnnxRuntime, provider: WebProvider = "wasm"): TrainingRuntime {
  return {
    target: provider === "webgpu" ? "webgpu" : "cpu",
    async createSession(onnx) {
      const session = await ort.InferenceSession.create(onnx, {
        executionProviders: [provider],
        graphOptimizationLevel: "basic",
      }).catch(({ message }: Error) => {
        const what = /no available backend/.test(message) ? CANNOT_START : "refuses the graph";
        throw new OnebitError(`ONNX Runtime (${provider}) ${what}: ${message}`);
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

const CANNOT_START =
  "cannot start; are its .wasm files served (ort.env.wasm.wasmPaths says from where)";

/** A runtime, and why it is not on the GPU. */
export interface ChosenRuntime {
  readonly runtime: TrainingRuntime;
  readonly provider: WebProvider;
  readonly reason?: string;
}

/** On the GPU where that takes a session, else in WebAssembly. ort: onnxruntime-web/webgpu. */
export async function chooseWebRuntime(ort: OnnxRuntime): Promise<ChosenRuntime> {
  const gpu = webRuntime(ort, "webgpu");
  try {
    const b = new GraphBuilder("probe");
    b.output("y", b.op("relu", [b.input("x", [1])]));
    await (await gpu.createSession(toOnnx(b.build(), { target: gpu.target }), 1)).release();
    return { runtime: gpu, provider: "webgpu" };
  } catch (error) {
    const reason = (error as Error).message;
    return { runtime: webRuntime(ort), provider: "wasm", reason };
  }
}
