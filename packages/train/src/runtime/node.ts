import { loadOnnxRuntime, type OnnxRuntime, type OnnxRuntimeSession } from "@onebit/convert";
import { OnebitError } from "onebit";
import type { BoundTensor, TrainingRuntime } from "./types.js";

const ERRORS_ONLY = 3;

/** ONNX Runtime's CPU provider in Node. It blocks the thread that runs a session. */
export async function nodeRuntime(): Promise<TrainingRuntime> {
  const ort = await loadOnnxRuntime("training or running a float network");
  return {
    target: "cpu",
    async createSession(onnx, threads) {
      const session = await createCpuSession(ort, onnx, threads);
      return {
        run: async (feeds, fetches) => void (await session.run(feeds, fetches)),
        release: () => session.release(),
      };
    },
    tensor: (data, shape) => new ort.Tensor("float32", data, shape) as BoundTensor,
  };
}

/**
 * `basic` optimisation, because higher levels take many seconds to create on training graphs and gain
 * nothing there; none at all where even that fails.
 */
export async function createCpuSession(
  { InferenceSession }: OnnxRuntime,
  onnx: Uint8Array,
  threads: number,
): Promise<OnnxRuntimeSession> {
  const create = (graphOptimizationLevel: "basic" | "disabled") =>
    InferenceSession.create(onnx, {
      graphOptimizationLevel,
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      logSeverityLevel: ERRORS_ONLY,
      executionProviders: ["cpu"],
    });
  try {
    return await create("basic");
  } catch (first) {
    try {
      return await create("disabled");
    } catch {
      throw new OnebitError(`ONNX Runtime refuses the graph: ${(first as Error).message}`);
    }
  }
}
