import type { Worker } from "node:worker_threads";
import { OnebitError } from "onebit";
import { startWorker } from "../worker-url.js";
import type { Call, Reply } from "./protocol.js";
import { unpack } from "./thread-error.js";
import type {
  Engine,
  EnginePlan,
  EvaluateRequest,
  EvaluateResult,
  Snapshot,
  StepRequest,
  StepResult,
} from "./types.js";

/** Starts an engine in a worker thread: the calling thread stays free for data and display. */
export async function startEngine(plan: EnginePlan, values: Float32Array): Promise<Engine> {
  const engine = new EngineClient(startWorker("engine/worker.js"));
  try {
    await engine.call({ method: "start", plan, values });
  } catch (error) {
    await engine.dispose();
    throw error;
  }
  return engine;
}

type Request = Call extends infer C ? (C extends Call ? Omit<C, "id"> : never) : never;

interface Pending {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

class EngineClient implements Engine {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  #next = 0;
  #dead?: Error;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.on("message", (reply: Reply) => this.#settle(reply));
    worker.on("error", (error) =>
      this.#die(new OnebitError(`the engine failed: ${error.message}`)),
    );
    worker.on("exit", (code) => this.#die(new OnebitError(`the engine ended with status ${code}`)));
  }

  call(request: Request, transfer: Float32Array[] = []): Promise<unknown> {
    if (this.#dead) return Promise.reject(this.#dead);
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      const buffers = transfer.map(({ buffer }) => buffer as ArrayBuffer);
      this.#worker.postMessage({ id, ...request }, [...new Set(buffers)]);
    });
  }

  step(request: StepRequest): Promise<StepResult> {
    const images = request.microBatches.map((batch) => batch.images);
    return this.call({ method: "step", request }, images) as Promise<StepResult>;
  }

  evaluate(request: EvaluateRequest): Promise<EvaluateResult> {
    return this.call({ method: "evaluate", request }, [request.images]) as Promise<EvaluateResult>;
  }

  snapshot(): Promise<Snapshot> {
    return this.call({ method: "snapshot" }) as Promise<Snapshot>;
  }

  async restore(snapshot: Snapshot): Promise<void> {
    await this.call({ method: "restore", snapshot });
  }

  async dispose(): Promise<void> {
    if (!this.#dead) await this.call({ method: "dispose" }).catch(() => undefined);
    this.#worker.removeAllListeners("exit");
    await this.#worker.terminate();
    this.#die(new OnebitError("the engine has been disposed"));
  }

  #settle(reply: Reply): void {
    const pending = this.#pending.get(reply.id);
    this.#pending.delete(reply.id);
    if ("value" in reply) pending?.resolve(reply.value);
    else pending?.reject(unpack(reply.error));
  }

  #die(error: Error): void {
    this.#dead ??= error;
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }
}
