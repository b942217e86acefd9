import { loadOnnxRuntime, type OnnxRuntime, type OnnxRuntimeSession } from "@onebit/convert";
import { OnebitError, visible } from "onebit";
import { GraphBuilder } from "onebit/graph";
import { toOnnx } from "onebit/onnx";
import { providerOf, type TrainingBackend } from "./providers.js";
import type { BoundTensor, TrainingRuntime } from "./types.js";

const ERRORS_ONLY = 3;

/** ONNX Runtime in Node, on one of its providers. The CPU's blocks the thread that runs a session. */
export async function nodeRuntime(backend: TrainingBackend = "cpu"): Promise<TrainingRuntime> {
  const ort = await loadOnnxRuntime("training or running a float network");
  const create = backend === "cpu" ? createCpuSession : sessionsOn(backend);
  return {
    target: providerOf(backend).target,
    async createSession(onnx, threads) {
      const session = await create(ort, onnx, threads);
      return {
        run: async (feeds, fetches) => void (await session.run(feeds, fetches)),
        release: () => session.release(),
      };
    },
    tensor: (data, shape) => new ort.Tensor("float32", data, shape) as BoundTensor,
  };
}

/** Sessions of a provider that is no CPU. Nodes without a kernel there are left to the CPU. */
function sessionsOn(backend: Exclude<TrainingBackend, "cpu">): typeof createCpuSession {
  return ({ InferenceSession }, onnx) =>
    InferenceSession.create(onnx, {
      executionProviders: [backend],
      graphOptimizationLevel: "basic",
      logSeverityLevel: ERRORS_ONLY,
    }).catch((cause: Error) => {
      const [said] = cause.message.split("\n");
      throw new OnebitError(
        `the training backend ${backend} does not start here: ${visible(said)}. ${upperFirst(providerOf(backend).wants)}; or train on the cpu`,
        { cause },
      );
    });
}

/** OnebitError where a backend does not start, before anything else is done. */
export async function checkBackend(backend: TrainingBackend): Promise<void> {
  if (backend === "cpu") return;
  const b = new GraphBuilder("probe");
  b.output("y", b.op("relu", [b.input("x", [1])]));
  const { createSession, target } = await nodeRuntime(backend);
  const session = await createSession(toOnnx(b.build(), { target }), 1);
  await session.release();
}

const upperFirst = (text: string) => text[0].toUpperCase() + text.slice(1);

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
