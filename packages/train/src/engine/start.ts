import { CalledThread } from "../threads/called-thread.js";
import type { Call } from "./protocol.js";
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
  const thread = new CalledThread<Call>("engine/worker.js", "the engine");
  const engine = new EngineClient(thread);
  try {
    await thread.call({ method: "start", plan, values });
  } catch (error) {
    await engine.dispose();
    throw error;
  }
  return engine;
}

class EngineClient implements Engine {
  readonly #thread: CalledThread<Call>;

  constructor(thread: CalledThread<Call>) {
    this.#thread = thread;
  }

  step(request: StepRequest): Promise<StepResult> {
    const images = request.microBatches.map((batch) => batch.images);
    return this.#thread.call({ method: "step", request }, images) as Promise<StepResult>;
  }

  evaluate(request: EvaluateRequest): Promise<EvaluateResult> {
    const { images } = request;
    return this.#thread.call({ method: "evaluate", request }, [images]) as Promise<EvaluateResult>;
  }

  snapshot(): Promise<Snapshot> {
    return this.#thread.call({ method: "snapshot" }) as Promise<Snapshot>;
  }

  async restore(snapshot: Snapshot): Promise<void> {
    await this.#thread.call({ method: "restore", snapshot });
  }

  async dispose(): Promise<void> {
    if (!this.#thread.isDead) {
      await this.#thread.call({ method: "dispose" }).catch(() => undefined);
    }
    await this.#thread.end("the engine has been disposed");
  }
}
