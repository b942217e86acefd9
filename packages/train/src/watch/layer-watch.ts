import type { Layout, Segment } from "../state/layout.js";
import type { SignsSeen } from "./sign-watcher.js";
import type { WatchPlan } from "./watch-graph.js";
import type { WatchedLayer } from "./watched-layers.js";

/** What is seen of a layer at a step; what it has not is left out. */
export interface LayerObservation {
  /**
   * Share of the layer's trained 1-bit weights whose sign (of the latent weight; 0 counts as negative) is
   * another one after this step than at the observation before. A weight that flips and flips back counts as
   * unchanged.
   */
  readonly flipRate?: number;
  /**
   * Share of the inputs t of its signs, over the batch, at which the estimator lets less than 1/100 of the
   * gradient through: |estimator'(t)| < 0.01. They learn nothing from this batch.
   */
  readonly saturation?: number;
  /** Share of the channels of its signs whose sign is the same for all images and places of the batch. */
  readonly deadSigns?: number;
  /** Euclidean norm of the gradient of its weight, before clipping. */
  readonly gradientNorm?: number;
  /** Euclidean norm of its (latent) weight after this step. */
  readonly weightNorm?: number;
}

/** What is seen of a network at a step. */
export interface Observation {
  /** Steps of the optimiser before the observation that flips are counted from. */
  readonly since: number;
  readonly layers: { readonly [layer: string]: LayerObservation };
}

/** Signs of weights as they were last seen: what a run needs to go on counting flips. */
export interface SeenWeights {
  /** Steps of the optimiser before. */
  readonly step: number;
  /** 1 where positive; layer after layer. */
  readonly signs: Uint8Array;
}

/** The weights of the layers of a network, from observation to observation. */
export class LayerWatch {
  readonly #plan: WatchPlan;
  readonly #weights = new Map<string, Segment>();
  readonly #trained: number;
  readonly #binary: readonly Segment[];
  #seen: SeenWeights;

  constructor(plan: WatchPlan, layout: Layout, values: Float32Array) {
    this.#plan = plan;
    this.#trained = layout.trained;
    const keys = new Set(plan.layers.map(({ weight }) => weight));
    for (const segment of layout.segments) {
      if (keys.has(segment.key)) this.#weights.set(segment.key, segment);
    }
    this.#binary = [...this.#weights.values()].filter(
      (segment) => segment.role === "binary" && this.#isTrained(segment),
    );
    this.#seen = { step: 0, signs: this.#signsOf(values) };
  }

  get seen(): SeenWeights {
    return this.#seen;
  }

  /** Flips are counted from here, or from what was seen before. */
  startFrom(values: Float32Array, step: number, seen?: SeenWeights): void {
    const signs = this.#signsOf(values);
    const fits = seen?.signs.length === signs.length;
    this.#seen = fits ? seen : { step, signs };
  }

  /** Norms of the gradients of all weights, while there are gradients. scale: a factor on each. */
  gradientNorms(gradients: Float32Array, scale: number): Map<string, number> {
    const trained = [...this.#weights].filter(([, segment]) => this.#isTrained(segment));
    return new Map(trained.map(([key, segment]) => [key, scale * normOf(gradients, segment)]));
  }

  /** values: after the step that all this is of. */
  observe(
    values: Float32Array,
    step: number,
    {
      norms,
      signs,
    }: { readonly norms: ReadonlyMap<string, number>; readonly signs: SignsSeen | undefined },
  ): Observation {
    const { step: since, signs: before } = this.#seen;
    const now = this.#signsOf(values);
    const flips = new Map<string, number>();
    let at = 0;
    for (const { key, start, end } of this.#binary) {
      let count = 0;
      for (const last = at + end - start; at < last; at++) count += now[at] ^ before[at];
      flips.set(key, count / (end - start));
    }
    this.#seen = { step, signs: now };
    const layers = this.#plan.layers.map((layer) => {
      const { name, weight = "" } = layer;
      const segment = this.#weights.get(weight);
      const seen = {
        flipRate: flips.get(weight),
        ...(signs && activationFigures(layer, this.#plan.signs, signs)),
        gradientNorm: norms.get(weight),
        weightNorm: segment && normOf(values, segment),
      };
      return [name, seen];
    });
    return { since, layers: Object.fromEntries(layers) };
  }

  #isTrained({ end }: Segment): boolean {
    return end <= this.#trained;
  }

  #signsOf(values: Float32Array): Uint8Array {
    const length = this.#binary.reduce((sum, { start, end }) => sum + end - start, 0);
    const signs = new Uint8Array(length);
    let at = 0;
    for (const { start, end } of this.#binary) {
      for (let i = start; i < end; i++) signs[at++] = values[i] > 0 ? 1 : 0;
    }
    return signs;
  }
}

/** Of a layer with several signs, of all their channels and inputs together. */
function activationFigures(
  layer: WatchedLayer,
  signs: WatchPlan["signs"],
  { extremes, closed, microBatches }: SignsSeen,
): Pick<LayerObservation, "saturation" | "deadSigns"> {
  if (!layer.signs.length) return {};
  const total = { channels: 0, dead: 0, elements: 0, closed: 0 };
  let at = 0;
  for (const [i, { name, channels, elements }] of signs.entries()) {
    if (layer.signs.includes(name)) {
      for (let c = at; c < at + channels; c++) {
        // One sign only: its highest value is that of its lowest.
        if (extremes[c] === -extremes[c + channels]) total.dead++;
      }
      total.channels += channels;
      total.elements += elements;
      total.closed += (elements * closed[i]) / microBatches;
    }
    at += 2 * channels;
  }
  return { saturation: total.closed / total.elements, deadSigns: total.dead / total.channels };
}

function normOf(values: Float32Array, { start, end }: Segment): number {
  let sum = 0;
  for (let i = start; i < end; i++) sum += values[i] * values[i];
  return Math.sqrt(sum);
}
