import { createRequire } from "node:module";
import { Worker } from "node:worker_threads";
import { OnebitError } from "onebit";
import { builtModule } from "../../built-module.js";
import type { OnnxModel, PeerEngine, PeerSession } from "./peer.js";
import type { WebReply, WebRequest } from "./web-worker.js";

type TimeReply = { readonly ms: number };

/**
 * ONNX Runtime's WebAssembly provider: SIMD, threads, every graph optimisation. Its thread count
 * holds for a whole JavaScript context, so each engine lives in a worker of its own and takes its
 * own time there.
 */
export async function onnxRuntimeWeb(threads: number): Promise<PeerEngine> {
  const version = installedVersion(createRequire(import.meta.url));
  const worker = new WebWorker(threads);
  let sessions = 0;
  return {
    engine: `onnxruntime-web ${version}`,
    backend: "wasm",
    threads,
    open: async (model: OnnxModel, batch: number): Promise<PeerSession> => {
      const id = sessions++;
      const timeOf = async (request: WebRequest) => (await worker.ask<TimeReply>(request)).ms;
      return {
        loadMs: await timeOf({ kind: "open", id, batch, ...model }),
        reload: () => timeOf({ kind: "reload", ...model }),
        run: () => timeOf({ kind: "run", id }),
      };
    },
    dispose: () => worker.end(),
  };
}

/** One request at a time, answered in order. */
class WebWorker {
  readonly #worker: Worker;
  #failure: Error | undefined;
  #waiting: { done(reply: unknown): void; failed(error: Error): void } | undefined;

  constructor(threads: number) {
    this.#worker = new Worker(builtModule("web-worker.js", import.meta.url), {
      workerData: { threads },
      execArgv: [],
    });
    this.#worker.on("message", (reply: WebReply<unknown>) => {
      const waiting = this.#waiting;
      this.#waiting = undefined;
      if ("error" in reply) waiting?.failed(new OnebitError(reply.error));
      else waiting?.done(reply.value);
    });
    this.#worker.on("error", (error) => {
      this.#failure = new OnebitError(`onnxruntime-web: ${error.message}`);
      this.#waiting?.failed(this.#failure);
    });
  }

  ask<T>(request: WebRequest): Promise<T> {
    if (this.#failure) return Promise.reject(this.#failure);
    return new Promise<T>((done, failed) => {
      this.#waiting = { done: done as (reply: unknown) => void, failed };
      this.#worker.postMessage(request);
    });
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}

type Require = Pick<NodeJS.Require, "resolve"> & ((id: string) => unknown);

/** Its package.json is not exported: found from the main file. OnebitError where it is absent. */
export function installedVersion(require: Require): string {
  let main: string;
  try {
    main = require.resolve("onnxruntime-web");
  } catch {
    throw new OnebitError("onnxruntime-web is not installed here: npm install onnxruntime-web");
  }
  const root = main.slice(0, main.lastIndexOf("dist"));
  return (require(`${root}package.json`) as { version: string }).version;
}
