/** What a report shows; report.json is this object, report.html a picture of it. */
export interface Report {
  readonly title: string;
  readonly summary: string;
  /** Rows of the headline table: what, value, remark. */
  readonly facts: readonly {
    readonly name: string;
    readonly value: string;
    readonly note?: string;
  }[];
  readonly curves?: readonly Curve[];
  /** What was found wrong while it went on. */
  readonly warnings?: readonly string[];
  readonly watched?: WatchedLayers;
  readonly confusion?: Confusion;
  readonly layers?: readonly LayerCost[];
  readonly latency?: readonly Latency[];
  readonly samples?: readonly Sample[];
  /** Everything needed to run it again: command, recipe, seed, versions, machine. */
  readonly provenance: { readonly [name: string]: unknown };
}

/** One plot: several series over the same x. */
export interface Curve {
  readonly title: string;
  readonly xLabel: string;
  readonly x: readonly number[];
  readonly series: readonly { readonly name: string; readonly y: readonly (number | null)[] }[];
}

/** What was observed of layers over a training: values by figure, at each of the steps. */
export interface WatchedLayers {
  readonly steps: readonly number[];
  readonly layers: readonly {
    readonly name: string;
    readonly figures: { readonly [figure: string]: readonly (number | null)[] | undefined };
  }[];
}

/** counts[truth][prediction]. */
export interface Confusion {
  readonly classes: readonly string[];
  readonly counts: readonly (readonly number[])[];
}

/** A row of the table of layers. */
export interface LayerCost {
  readonly name: string;
  readonly op: string;
  readonly macs: number;
  readonly binaryMacs: number;
  readonly bytes: number;
}

/** Milliseconds for one image. */
export interface Latency {
  readonly engine: string;
  readonly threads: number;
  readonly medianMs: number;
  readonly p5Ms: number;
  readonly p95Ms: number;
}

/** A picture, and what the network says of it. */
export interface Sample {
  /** data: URI of the picture. */
  readonly picture: string;
  readonly truth: string;
  readonly top: readonly { readonly label: string; readonly probability: number }[];
}
