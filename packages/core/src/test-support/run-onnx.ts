import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import type { Tensor } from "../graph/types.js";

/** Runs ONNX bytes in onnxruntime-node on the CPU, one thread, without graph rewriting. */
export async function runOnnx(
  bytes: Uint8Array,
  feeds: { readonly [name: string]: Tensor },
): Promise<{ [name: string]: Tensor }> {
  const session = await InferenceSession.create(bytes, {
    executionProviders: ["cpu"],
    graphOptimizationLevel: "disabled",
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
  });
  try {
    const given = Object.entries(feeds).map(([name, { shape, data }]) => [
      name,
      new OrtTensor("float32", Float32Array.from(data), [...shape]),
    ]);
    const results = await session.run(Object.fromEntries(given));
    const tensors = Object.entries(results).map(([name, { dims, data }]) => [
      name,
      { shape: dims, data: data as Float32Array },
    ]);
    return Object.fromEntries(tensors);
  } finally {
    await session.release();
  }
}
