import { createRequire } from "node:module";
import { OnebitError } from "onebit";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { timed } from "../latency.js";
import { timedLoad } from "../load-time.js";
import { feedsFor, inputsOf } from "./onnx-inputs.js";
import type { PeerEngine } from "./peer.js";

/**
 * Best settings: every graph optimisation, all threads on one op. A thread pool that has nothing to
 * do must not spin through its neighbours' turns, so spinning ends with each run.
 */
const bestOptions: InferenceSession.SessionOptions = {
  executionProviders: ["cpu"],
  graphOptimizationLevel: "all",
  interOpNumThreads: 1,
  logSeverityLevel: 3,
  extra: { session: { force_spinning_stop: "1" } },
};

/** ONNX Runtime's native CPU provider. */
export async function onnxRuntimeNode(threads: number): Promise<PeerEngine> {
  const options = { ...bestOptions, intraOpNumThreads: threads };
  const sessions: InferenceSession[] = [];
  return {
    engine: `onnxruntime-node ${onnxRuntimeNodeVersion()}`,
    backend: "cpu",
    threads,
    open: async ({ name, bytes }, batch) => {
      const start = performance.now();
      const session = await createSession(name, bytes, options);
      sessions.push(session);
      const loadMs = performance.now() - start;
      const feeds = feedTensors(name, session, batch);
      await firstRun(name, () => session.run(feeds));
      const reload = () =>
        timedLoad(
          () => createSession(name, bytes, options),
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
  name: string,
  bytes: Uint8Array,
  options: InferenceSession.SessionOptions,
): Promise<InferenceSession> {
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

/** Tensors for every input of a session. */
export function feedTensors(name: string, session: InferenceSession, batch: number) {
  const feeds = feedsFor(name, inputsOf(session), batch);
  return Object.fromEntries(
    Object.entries(feeds).map(([input, { type, data, dims }]) => {
      return [input, new Tensor(type as "float32", data as Float32Array, dims)];
    }),
  );
}

function onnxRuntimeNodeVersion(): string {
  const require = createRequire(import.meta.url);
  return (require("onnxruntime-node/package.json") as { version: string }).version;
}
