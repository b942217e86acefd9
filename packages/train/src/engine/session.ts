import { OnebitError } from "onebit";
import { InferenceSession, Tensor } from "onnxruntime-node";

const ERRORS_ONLY = 3;

/** Tensors bound to memory that stays where it is, by input or output name. */
export type Bindings = { [name: string]: Tensor };

/**
 * An ONNX Runtime session. `basic` optimisation, because higher levels take many seconds to create
 * on training graphs and gain nothing there; none at all where even that fails.
 */
export async function createSession(onnx: Uint8Array, threads: number): Promise<InferenceSession> {
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

/** A tensor over this memory: ONNX Runtime reads and writes it in place. */
export function bind(data: Float32Array, shape: readonly number[]): Tensor {
  return new Tensor("float32", data, shape);
}
