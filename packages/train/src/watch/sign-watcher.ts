import type { Bindings, TrainingRuntime, TrainingSession } from "../runtime/types.js";
import { type WatchPlan, watchOutputs } from "./watch-graph.js";

/** What was seen of the signs of a micro-batch, or of several. Plain data. */
export interface SignsSeen {
  /** For each sign the highest values of its channels, then those of their negatives. */
  readonly extremes: Float32Array;
  /** For each sign the sum over the micro-batches of the share whose estimator is closed. */
  readonly closed: Float32Array;
  readonly microBatches: number;
}

/** Runs the watch graph. */
export class SignWatcher {
  readonly #session: TrainingSession;
  readonly #feeds: readonly string[];
  readonly #fetches: Bindings = {};
  readonly #extremes: Float32Array;
  readonly #closed: Float32Array;

  /** undefined where there are no signs. */
  static async create(
    { graph, signs }: WatchPlan,
    runtime: TrainingRuntime,
    threads: number,
  ): Promise<SignWatcher | undefined> {
    if (!graph) return undefined;
    const session = await runtime.createSession(graph.onnx, threads);
    return new SignWatcher(session, graph.feeds, signs, runtime);
  }

  private constructor(
    session: TrainingSession,
    feeds: readonly string[],
    signs: WatchPlan["signs"],
    { tensor }: TrainingRuntime,
  ) {
    this.#session = session;
    this.#feeds = feeds;
    this.#extremes = new Float32Array(2 * signs.reduce((sum, { channels }) => sum + channels, 0));
    this.#closed = new Float32Array(signs.length);
    let at = 0;
    const next = (channels: number) => {
      at += channels;
      return tensor(this.#extremes.subarray(at - channels, at), [channels]);
    };
    for (const [i, { name, channels }] of signs.entries()) {
      const { highest, lowest, closed } = watchOutputs(name);
      this.#fetches[highest] = next(channels);
      this.#fetches[lowest] = next(channels);
      this.#fetches[closed] = tensor(this.#closed.subarray(i, i + 1), []);
    }
  }

  /** given: whatever a training step is fed. */
  async run(given: Bindings): Promise<SignsSeen> {
    const feeds = Object.fromEntries(this.#feeds.map((name) => [name, given[name]]));
    await this.#session.run(feeds, this.#fetches);
    return { extremes: this.#extremes.slice(), closed: this.#closed.slice(), microBatches: 1 };
  }

  release(): Promise<void> {
    return this.#session.release();
  }
}

/** Of several micro-batches together. */
export function seenTogether(parts: readonly SignsSeen[]): SignsSeen | undefined {
  if (!parts.length) return undefined;
  const [first] = parts;
  return {
    extremes: first.extremes.map((_, i) => Math.max(...parts.map(({ extremes }) => extremes[i]))),
    closed: first.closed.map((_, i) => parts.reduce((sum, { closed }) => sum + closed[i], 0)),
    microBatches: parts.reduce((sum, { microBatches }) => sum + microBatches, 0),
  };
}
