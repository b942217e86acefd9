import { OnebitError } from "onebit";
import type { Graph, Tensor } from "onebit/graph";
import { reasonOf } from "../own/own-module.js";
import type { TrainEvent } from "../run/events.js";

/** A training as a callback sees it. */
export interface TrainingView {
  /** A copy. */
  readonly network: Graph;
  /** A copy of all tensors as they are now, by key, latent weights among them. */
  weights(): Promise<{ readonly [key: string]: Tensor }>;
}

/**
 * Called with everything that a training tells, while it waits: after a step, an observation, an epoch, a
 * checkpoint, at the start and at the end; only how far teachers' views are is for `onEvent` alone. What it
 * throws ends the training; the last checkpoint stays.
 */
export type Callback = (event: TrainEvent, training: TrainingView) => void | Promise<void>;

/** Tells the callbacks, one after the other. names: as messages call them. */
export async function tellCallbacks(
  callbacks: readonly NamedCallback[],
  event: TrainEvent,
  training: TrainingView,
): Promise<void> {
  for (const { name, call } of callbacks) {
    try {
      await call(event, training);
    } catch (cause) {
      throw new OnebitError(`the callback ${name} failed${whenOf(event)}: ${reasonOf(cause)}`, {
        cause,
      });
    }
  }
}

export interface NamedCallback {
  /** As messages say it. */
  readonly name: string;
  readonly call: Callback;
}

function whenOf(event: TrainEvent): string {
  if (event.event === "step" || event.event === "observation") return ` after step ${event.step}`;
  if (event.event === "epoch" || event.event === "saved") return ` after epoch ${event.epoch}`;
  return ` at the event "${event.event}"`;
}
