import { UsageError } from "onebit";
import type { OnnxTarget } from "onebit/onnx";
import { unknownName } from "onebit/words";

/** Where training can run, the usual one first. */
export const TRAINING_BACKENDS = ["cpu", "webgpu", "cuda"] as const;

/** Where ONNX Runtime computes the steps of a training. */
export type TrainingBackend = (typeof TRAINING_BACKENDS)[number];

/** An execution provider of ONNX Runtime, as trainings use it. */
export interface Provider {
  /** What graphs are compiled for. */
  readonly target: OnnxTarget;
  /** Whether several micro-batches of a step run side by side, each with threads of its own. */
  readonly replicas: boolean;
  /** What may be missing where it does not start. */
  readonly wants: string;
}

const providers: { readonly [backend in TrainingBackend]: Provider } = {
  cpu: { target: "cpu", replicas: true, wants: "" },
  webgpu: {
    target: "webgpu",
    replicas: false,
    wants:
      "it wants a GPU with a driver for Vulkan, Metal or Direct3D 12 (on Linux libvulkan1 and the maker's driver)",
  },
  cuda: {
    target: "portable",
    replicas: false,
    wants:
      "it wants an NVIDIA GPU, CUDA 12, cuDNN 9, and ONNX Runtime's libraries for them, which its install script fetches on Linux (npm rebuild onnxruntime-node, without ONNXRUNTIME_NODE_INSTALL=skip)",
  },
};

/** UsageError for a name that is none of them. */
export function providerOf(backend: TrainingBackend): Provider {
  if (Object.hasOwn(providers, backend)) return providers[backend];
  throw new UsageError(unknownName("training backend", backend, TRAINING_BACKENDS));
}
