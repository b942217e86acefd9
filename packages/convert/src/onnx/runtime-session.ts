import { OnebitError } from "onebit";
import { fromFloat16 } from "onebit/file";
import { loadOnnxRuntime } from "./runtime.js";
import type { OnnxTensor } from "./runtime-types.js";
import type { OnnxSession } from "./session.js";

/**
 * ONNX bytes, or the path of a file, in ONNX Runtime on the CPU. name: of the network, in messages.
 * OnebitError where ONNX Runtime is missing, or refuses the network.
 */
export async function openOnnxSession(
  name: string,
  model: string | Uint8Array,
  threads: number,
): Promise<OnnxSession> {
  const { InferenceSession, Tensor } = await loadOnnxRuntime(name);
  const options = {
    executionProviders: ["cpu"],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    logSeverityLevel: 4,
  } as const;
  const create = () =>
    typeof model === "string"
      ? InferenceSession.create(model, options)
      : InferenceSession.create(model, options);
  const failed = (what: string) => (error: Error) => {
    throw new OnebitError(`${name}: ONNX Runtime cannot ${what} it: ${error.message}`);
  };
  const session = await create().catch(failed("load"));
  return {
    async run(feeds, outputs) {
      const given = Object.entries(feeds).map(([input, { type, shape, data }]) => [
        input,
        new Tensor(type, data, [...shape]),
      ]);
      const results = await session
        .run(Object.fromEntries(given), [...outputs])
        .catch(failed("run"));
      const tensors = outputs.map((output) => {
        const data = floats(`${name}: output "${output}"`, results[output]);
        return [output, { shape: results[output].dims, data }];
      });
      return Object.fromEntries(tensors);
    },
    dispose: () => session.release(),
  };
}

function floats(what: string, { type, data }: OnnxTensor): Float32Array {
  if (data instanceof Float32Array) return data;
  if (data instanceof Float64Array) return Float32Array.from(data);
  // Halves come as their bits, or as numbers where JavaScript has Float16Array.
  if (data instanceof Uint16Array && type === "float16")
    return Float32Array.from(data, fromFloat16);
  if (type === "float16") return Float32Array.from(data as unknown as ArrayLike<number>);
  throw new OnebitError(`${what} is ${type}, not numbers with a fraction`);
}
