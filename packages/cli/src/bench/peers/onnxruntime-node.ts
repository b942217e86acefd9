import {
  loadOnnxRuntime,
  type OnnxRuntime,
  type OnnxRuntimeSession,
  type OnnxSessionOptions,
  onnxRuntimeVersion,
} from "@onebit/convert";
import { OnebitError } from "onebit";
import { timed } from "../latency.js";
import { timedLoad } from "../load-time.js";
import { feedTensors } from "./onnx-inputs.js";
import type { PeerEngine } from "./peer.js";

/**
 * Best settings: every graph optimisation, all threads on one op. A thread pool that has nothing to
 * do must not spin through its neighbours' turns, so spinning ends with each run.
 */
const bestOptions: OnnxSessionOptions = {
  executionProviders: ["cpu"],
  graphOptimizationLevel: "all",
  interOpNumThreads: 1,
  logSeverityLevel: 3,
  extra: { session: { force_spinning_stop: "1" } },
};

/** ONNX Runtime's native CPU provider. */
export async function onnxRuntimeNode(threads: number): Promise<PeerEngine> {
  const ort = await loadOnnxRuntime("--against onnxruntime");
  const options = { ...bestOptions, intraOpNumThreads: threads };
  const sessions: OnnxRuntimeSession[] = [];
  return {
    engine: `onnxruntime-node ${onnxRuntimeVersion(ort)}`,
    backend: "cpu",
    threads,
    open: async ({ name, bytes }, batch) => {
      const start = performance.now();
      const session = await createSession(ort, name, bytes, options);
      sessions.push(session);
      const loadMs = performance.now() - start;
      const feeds = feedTensors(ort, name, session, batch);
      await firstRun(name, () => session.run(feeds));
      const reload = () =>
        timedLoad(
          () => createSession(ort, name, bytes, options),
          (another) => another.release(),
        );
      return { loadMs, reload, run: () => timed(() => session.run(feeds)) };
    },
    dispose: async () => {
      for (const session of sessions.splice(0)) await session.release();
    },
  };
}

/** A session, or an OnebitError that names the model. */
export async function createSession(
  { InferenceSession }: OnnxRuntime,
  name: string,
  bytes: Uint8Array,
  options: OnnxSessionOptions,
): Promise<OnnxRuntimeSession> {
  try {
    return await InferenceSession.create(bytes, options);
  } catch (error) {
    throw new OnebitError(`${name}: ONNX Runtime cannot load it: ${(error as Error).message}`);
  }
}

async function firstRun(name: string, run: () => Promise<unknown>): Promise<void> {
  try {
    await run();
  } catch (error) {
    throw new OnebitError(`${name}: ONNX Runtime cannot run it: ${(error as Error).message}`);
  }
}
