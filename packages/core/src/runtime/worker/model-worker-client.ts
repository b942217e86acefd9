import { OnebitError } from "../../errors.js";
import type { WorkerHandle } from "../../platform/worker.js";
import { VERSION } from "../../version.js";
import { startModelWorker } from "../backends/wasm/assets.js";
import { errorOf } from "./failure.js";
import type {
  Calls,
  ModelWorkerTask,
  RemoteState,
  Reply,
  Request,
  WorkerOptions,
} from "./messages.js";

/** An answer, and the state that the model was in then. */
export interface Answer<Name extends keyof Calls> {
  readonly value: ReturnType<Calls[Name]>;
  readonly state: RemoteState;
}

interface Pending {
  resolve(answer: Answer<keyof Calls>): void;
  reject(error: Error): void;
}

/** Where workers find their files, and the worker of those who find them there. */
const workers = new Map<string, ModelWorkerClient>();

/** This side of a worker for models, which all models share that find their files in one place. */
export class ModelWorkerClient {
  /** Rejects where the worker cannot start. */
  readonly started: Promise<void>;
  readonly #key: string;
  readonly #port: MessagePort;
  readonly #worker: WorkerHandle;
  readonly #pending = new Map<number, Pending>();
  #users = 0;
  #calls = 0;
  #death: OnebitError | undefined;

  /** For one more user, who gives it back with leave(). */
  static join(options: WorkerOptions): ModelWorkerClient {
    const key = JSON.stringify(options.assets ?? null);
    const client = workers.get(key) ?? new ModelWorkerClient(key, options);
    workers.set(key, client);
    return client.join();
  }

  private constructor(key: string, options: WorkerOptions) {
    const { port1, port2 } = new MessageChannel();
    this.#key = key;
    this.#port = port1;
    this.started = new Promise((resolve, reject) => {
      this.#pending.set(0, { resolve: () => resolve(), reject });
    });
    // Told to whoever waits for it.
    this.started.catch(() => {});
    port1.onmessage = ({ data }: MessageEvent<Reply>) => this.#receive(data);
    const task: ModelWorkerTask = { port: port2, version: VERSION, options };
    this.#worker = startModelWorker(task, (reason) => this.#die(reason), options.assets, [port2]);
    this.#stayAlive();
  }

  /** OnebitError where the worker has died; what the call itself throws. */
  call<Name extends keyof Calls>(
    call: Name,
    args: Parameters<Calls[Name]>,
    transfer: Transferable[] = [],
  ): Promise<Answer<Name>> {
    return new Promise((resolve, reject) => {
      if (this.#death) throw this.#death;
      const id = ++this.#calls;
      try {
        this.#port.postMessage({ id, call, args } satisfies Request<Name>, transfer);
      } catch (cause) {
        // Such as a bitmap that another call has given away meanwhile.
        throw new OnebitError(`cannot go to the worker: ${(cause as Error).message}`, { cause });
      }
      this.#pending.set(id, { resolve: resolve as Pending["resolve"], reject });
      this.#stayAlive();
    });
  }

  /** One more user. */
  join(): this {
    this.#users++;
    return this;
  }

  /** The worker ends with its last user. */
  leave(): void {
    this.#users--;
    if (this.#users === 0) this.#end();
  }

  #receive({ id, value, failure, state }: Reply): void {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    this.#stayAlive();
    if (failure) pending?.reject(errorOf(failure));
    else pending?.resolve({ value, state } as Answer<keyof Calls>);
  }

  #die(reason: string): void {
    if (this.#death) return;
    const what = this.#pending.has(0) ? "cannot start" : "has died";
    this.#death = new OnebitError(`the worker that runs models ${what}: ${reason}`);
    for (const { reject } of this.#pending.values()) reject(this.#death);
    this.#pending.clear();
    this.#end();
  }

  #end(): void {
    if (workers.get(this.#key) === this) workers.delete(this.#key);
    this.#worker.terminate();
    this.#port.close();
  }

  /** In Node: keeps the process while somebody waits, and no longer. */
  #stayAlive(): void {
    const port = this.#port as MessagePort & { ref?(): void; unref?(): void };
    if (this.#pending.size > 0) port.ref?.();
    else port.unref?.();
  }
}
