import { parentPort, workerData } from "node:worker_threads";
import type { OnnxRuntime, OnnxRuntimeSession, OnnxTensors } from "@onebit/convert";
import { timedLoad } from "../load-time.js";
import { feedTensors } from "./onnx-inputs.js";

/** What onnxruntime-web.ts asks of its worker. */
export type WebRequest =
  | {
      readonly kind: "open";
      readonly id: number;
      readonly name: string;
      readonly bytes: Uint8Array;
      readonly batch: number;
    }
  | { readonly kind: "reload"; readonly name: string; readonly bytes: Uint8Array }
  | { readonly kind: "run"; readonly id: number };

export type WebReply<T> = { readonly value: T } | { readonly error: string };

interface Open {
  readonly session: OnnxRuntimeSession;
  readonly feeds: OnnxTensors;
}

const sessions = new Map<number, Open>();

if (parentPort) {
  const port = parentPort;
  const { threads } = workerData as { threads: number };
  const loaded = load(threads);
  port.on("message", async (request: WebRequest) => {
    try {
      port.postMessage({ value: await answer(await loaded, request) } satisfies WebReply<unknown>);
    } catch (error) {
      port.postMessage({ error: (error as Error).message } satisfies WebReply<unknown>);
    }
  });
}

/** By a name that the type checker does not follow: the package is optional. */
async function load(threads: number): Promise<OnnxRuntime> {
  const name = "onnxruntime-web";
  const ort = (await import(name)) as OnnxRuntime;
  ort.env.logLevel = "error";
  ort.env.wasm.numThreads = threads;
  return ort;
}

async function answer(ort: OnnxRuntime, request: WebRequest): Promise<unknown> {
  if (request.kind === "open") return open(ort, request);
  if (request.kind === "reload") return { ms: await reload(ort, request) };
  const { session, feeds } = sessions.get(request.id)!;
  return { ms: await timedRun(session, feeds) };
}

async function createSession(
  ort: OnnxRuntime,
  name: string,
  bytes: Uint8Array,
): Promise<OnnxRuntimeSession> {
  try {
    return await ort.InferenceSession.create(bytes, {
      executionProviders: ["wasm"],
      graphOptimizationLevel: "all",
      extra: { session: { force_spinning_stop: "1" } },
    });
  } catch (error) {
    throw new Error(`${name}: onnxruntime-web cannot load it: ${(error as Error).message}`);
  }
}

function reload(ort: OnnxRuntime, { name, bytes }: Extract<WebRequest, { kind: "reload" }>) {
  return timedLoad(
    () => createSession(ort, name, bytes),
    (session) => session.release(),
  );
}

async function open(ort: OnnxRuntime, request: Extract<WebRequest, { kind: "open" }>) {
  const { id, name, bytes, batch } = request;
  const start = performance.now();
  const session = await createSession(ort, name, bytes);
  const ms = performance.now() - start;
  const feeds = feedTensors(ort, name, session, batch);
  await timedRun(session, feeds);
  sessions.set(id, { session, feeds });
  return { ms };
}

async function timedRun(session: OnnxRuntimeSession, feeds: OnnxTensors) {
  const start = performance.now();
  await session.run(feeds);
  return performance.now() - start;
}
