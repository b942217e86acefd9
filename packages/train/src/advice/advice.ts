import type { EpochEvent, ObservationEvent } from "../run/events.js";

/** What is told of a training while it goes on. */
export type Looked =
  | (ObservationEvent & {
      /** Of the step. */
      readonly learningRate: number;
    })
  | EpochEvent;

/** Something that is wrong with a layer, a teacher or the training, now. */
export interface Finding {
  /** Layer, path of a teacher; "" for the training. */
  readonly about: string;
  /** For the message. */
  readonly figure: string;
}

/**
 * Looks at a training and advises. What it finds is said once about each layer or teacher, several of them
 * in one message.
 */
export interface Advice {
  /** In the order in which they happen; keeps what it needs of those before. */
  find(event: Looked): readonly Finding[];
  /** What is wrong, and what to do. */
  say(findings: readonly Finding[]): string;
}

/** What advice may know of a training. */
export interface Training {
  /** The highest learning rate of its schedule. */
  readonly peakRate: number;
  /** Who teaches in an epoch, counted from 1. */
  readonly teachersAt: (
    epoch: number,
  ) => readonly { readonly path: string; readonly top1: number | null }[];
}

export const percent = (share: number) => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;

/** `a (12 %), b (9 %) and 3 more`. */
export function listed(findings: readonly Finding[], most = 4): string {
  const named = findings.slice(0, most).map(({ about, figure }) => `${about} (${figure})`);
  const others = findings.length - named.length;
  return others ? `${named.join(", ")} and ${others} more` : named.join(", ");
}

/**
 * Layers of which a share is `least` or more in two observations one after the other: one may be chance. say: from
 * the layers with their shares.
 */
export function twiceFrom(
  least: number,
  figure: "deadSigns" | "saturation",
  say: (layers: string) => string,
): Advice {
  let before = new Set<string>();
  return {
    find(event) {
      if (event.event !== "observation") return [];
      const found = Object.entries(event.layers).flatMap(([about, { [figure]: share = 0 }]) =>
        share < least ? [] : [{ about, figure: percent(share) }],
      );
      const again = found.filter(({ about }) => before.has(about));
      before = new Set(found.map(({ about }) => about));
      return again;
    },
    say: (findings) => say(listed(findings)),
  };
}
