import { OnebitError } from "onebit";
import { type SignsSeen, seenTogether } from "../watch/sign-watcher.js";
import type { Platform, RunningReplica } from "./platform.js";
import { Replica, type ReplicaPlan, type ReplicaResult } from "./replica.js";
import { shared } from "./shared.js";
import type { EnginePlan, MicroBatch, Scalars, TrainingPlan } from "./types.js";
import { type UpdateSegment, updateSegments } from "./updates.js";

/** A step's micro-batches taken together. */
export interface StepSums {
  /** Mean over the micro-batches. */
  readonly loss: number;
  readonly correct: number;
  /** Sum over the micro-batches. */
  readonly gradients: Float32Array;
  /** Sums of the statistics; values of the parameters, which are the same for all micro-batches. */
  readonly updates: Float32Array;
  readonly recycled: readonly Float32Array<ArrayBuffer>[];
  /** Where it was asked for, and there are signs. */
  readonly seen?: SignsSeen;
}

/**
 * Computes the micro-batches of a step, several at once: one replica in this thread, the others in
 * threads of their own. Small networks gain more from that than from more threads per operation.
 *
 * Every micro-batch of a step starts from the same values, and sums are taken in the order of the
 * micro-batches: how many replicas there are makes no difference to the result.
 */
export class Replicas {
  readonly #local: Replica;
  readonly #remote: readonly RunningReplica[];
  /** Where the remote ones read the values. */
  readonly #published: Float32Array;
  readonly #statistics: readonly UpdateSegment[];
  #sums?: { readonly gradients: Float32Array; readonly updates: Float32Array };

  static async start(
    { layout, threads, replicas = 1, backend }: EnginePlan,
    { graph, watch }: TrainingPlan,
    values: Float32Array,
    { runtime, startReplica = noThreads }: Platform,
  ): Promise<Replicas> {
    const each = Math.max(1, Math.floor(threads / replicas));
    const plan: ReplicaPlan = { layout, graph, watch, threads: each, backend };
    const published = replicas > 1 ? shared(layout.length) : new Float32Array(0);
    const local = Replica.create(plan, values, runtime);
    const remote = Array.from({ length: replicas - 1 }, () => startReplica(plan, published));
    await allOrNone([local, ...remote]);
    return new Replicas(plan, await local, await Promise.all(remote), published);
  }

  private constructor(
    { layout, graph }: ReplicaPlan,
    local: Replica,
    remote: readonly RunningReplica[],
    published: Float32Array,
  ) {
    this.#local = local;
    this.#remote = remote;
    this.#published = published;
    this.#statistics = updateSegments(layout, graph).segments.filter(({ parameter }) => !parameter);
  }

  async run(
    microBatches: readonly MicroBatch[],
    scalars: Scalars,
    observe = false,
  ): Promise<StepSums> {
    const count = microBatches.length;
    const members = [this.#local, ...this.#remote];
    if (this.#remote.length) this.#published.set(this.#local.values);
    const results: ReplicaResult[] = [];
    for (let first = 0; first < count; first += members.length) {
      const group = microBatches.slice(first, first + members.length);
      results.push(...(await this.#runGroup(group, scalars, observe)));
      for (let i = 0; count > 1 && i < group.length; i++) this.#add(members[i], first + i === 0);
    }
    const { gradients, updates } = count > 1 ? this.#sums! : this.#local;
    return {
      loss: results.reduce((sum, { loss }) => sum + loss / count, 0),
      correct: results.reduce((sum, { correct }) => sum + correct, 0),
      gradients,
      updates,
      recycled: results.map(({ images }) => images),
      seen: seenTogether(results.flatMap(({ seen }) => seen ?? [])),
    };
  }

  async dispose(): Promise<void> {
    await Promise.all([this.#local.dispose(), ...this.#remote.map((remote) => remote.dispose())]);
  }

  /** The remote ones start first: the local one blocks this thread. */
  async #runGroup(
    group: readonly MicroBatch[],
    scalars: Scalars,
    observe: boolean,
  ): Promise<ReplicaResult[]> {
    const [first, ...others] = group;
    const remote = others.map((batch, i) => this.#remote[i].run(batch, scalars, observe));
    const local = this.#local.run(first, scalars, observe);
    const settled = await Promise.allSettled([local, ...remote]);
    return settled.map(fulfilled);
  }

  #add({ gradients, updates }: RunningReplica, first: boolean): void {
    this.#sums ??= {
      gradients: new Float32Array(gradients.length),
      updates: new Float32Array(updates.length),
    };
    const sums = this.#sums;
    if (first) {
      sums.gradients.set(gradients);
      sums.updates.set(updates);
      return;
    }
    addRange(sums.gradients, gradients, 0, gradients.length);
    for (const { from, length } of this.#statistics) {
      addRange(sums.updates, updates, from, from + length);
    }
  }
}

async function noThreads(): Promise<never> {
  throw new OnebitError("there are no threads for further replicas here: one must do");
}

/** Waits for all; if one fails, the others are disposed of. */
async function allOrNone(
  starting: readonly Promise<{ dispose(): Promise<void> }>[],
): Promise<void> {
  const outcomes = await Promise.allSettled(starting);
  const failed = outcomes.find((outcome) => outcome.status === "rejected");
  if (!failed) return;
  for (const outcome of outcomes) {
    if (outcome.status === "fulfilled") await outcome.value.dispose();
  }
  throw failed.reason;
}

function fulfilled<T>(outcome: PromiseSettledResult<T>): T {
  if (outcome.status === "rejected") throw outcome.reason;
  return outcome.value;
}

function addRange(sum: Float32Array, term: Float32Array, from: number, to: number): void {
  for (let i = from; i < to; i++) sum[i] += term[i];
}
