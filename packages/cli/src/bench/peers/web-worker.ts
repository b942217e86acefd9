import { parentPort, workerData } from "node:worker_threads";
import type { InferenceSession, Tensor } from "onnxruntime-node";
import { timedLoad } from "../load-time.js";
import { feedsFor, inputsOf } from "./onnx-inputs.js";

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

/** The part of onnxruntime-web's surface used here; both packages share it. */
interface Ort {
  readonly InferenceSession: typeof InferenceSession;
  readonly Tensor: typeof Tensor;
  readonly env: { logLevel?: string; readonly wasm: { numThreads?: number } };
}

interface Open {
  readonly session: InferenceSession;
  readonly feeds: InferenceSession.FeedsType;
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
async function load(threads: number): Promise<Ort> {
  const name = "onnxruntime-web";
  const ort = (await import(name)) as Ort;
  ort.env.logLevel = "error";
  ort.env.wasm.numThreads = threads;
  return ort;
}

async function answer(ort: Ort, request: WebRequest): Promise<unknown> {
  if (request.kind === "open") return open(ort, request);
  if (request.kind === "reload") return { ms: await reload(ort, request) };
  const { session, feeds } = sessions.get(request.id)!;
  return { ms: await timedRun(session, feeds) };
}

async function createSession(ort: Ort, name: string, bytes: Uint8Array): Promise<InferenceSession> {
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

function reload(ort: Ort, { name, bytes }: Extract<WebRequest, { kind: "reload" }>) {
  return timedLoad(
    () => createSession(ort, name, bytes),
    (session) => session.release(),
  );
}

async function open(ort: Ort, request: Extract<WebRequest, { kind: "open" }>) {
  const { id, name, bytes, batch } = request;
  const start = performance.now();
  const session = await createSession(ort, name, bytes);
  const ms = performance.now() - start;
  const feeds = Object.fromEntries(
    Object.entries(feedsFor(name, inputsOf(session), batch)).map(
      ([input, { type, data, dims }]) => {
        return [input, new ort.Tensor(type as "float32", data as Float32Array, dims)];
      },
    ),
  );
  await timedRun(session, feeds);
  sessions.set(id, { session, feeds });
  return { ms };
}

async function timedRun(session: InferenceSession, feeds: InferenceSession.FeedsType) {
  const start = performance.now();
  await session.run(feeds);
  return performance.now() - start;
}
