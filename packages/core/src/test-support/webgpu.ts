import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { encodeModel } from "../onnx/model-proto.js";
import { useSoftwareDriver } from "./software-driver.js";

type Numbers = { readonly shape: readonly number[]; readonly data: ArrayLike<number> };

/**
 * Loads a model into ONNX Runtime's WebGPU provider; throws where a node has no kernel there and
 * would be computed by the CPU.
 */
export function createWebgpuSession(onnx: Uint8Array): Promise<InferenceSession> {
  return InferenceSession.create(onnx, {
    executionProviders: ["webgpu"],
    graphOptimizationLevel: "basic",
    extra: { session: { disable_cpu_ep_fallback: "1" } },
    logSeverityLevel: 4,
  });
}

/** Every output of a model run by the WebGPU provider. */
export async function runWebgpu(
  session: InferenceSession,
  feeds: { readonly [name: string]: Numbers },
): Promise<{ [name: string]: Float32Array }> {
  const given = Object.entries(feeds).map(([name, { shape, data }]) => {
    return [name, new OrtTensor("float32", Float32Array.from(data), [...shape])];
  });
  const results = await session.run(Object.fromEntries(given));
  return Object.fromEntries(
    Object.entries(results).map(([name, { data }]) => [name, data as Float32Array]),
  );
}

/** Whether the WebGPU provider runs here, in software where there is no GPU. In CI it must. */
export async function webgpuRuns(): Promise<boolean> {
  useSoftwareDriver();
  try {
    const session = await createWebgpuSession(oneNode("Relu"));
    await session.release();
    return true;
  } catch (error) {
    const reason = (error as Error).message.split("\n")[0];
    if (process.env.CI) throw error;
    console.log(`skipped: no WebGPU here (Debian: install chromium and libvulkan1): ${reason}`);
    return false;
  }
}

/** A model of one node with one input and one output. */
export function oneNode(opType: string): Uint8Array {
  const [x, y] = ["x", "y"].map((name) => ({ name, shape: [2, 3] }));
  const node = { name: "node", opType, inputs: ["x"], outputs: ["y"], attributes: {} };
  const parts = { name: opType, opset: 17, nodes: [node], initializers: [], metadata: {} };
  return encodeModel({ ...parts, inputs: [x], outputs: [y] });
}
