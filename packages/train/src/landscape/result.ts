import type { LandscapeRecord, PlacedLoss } from "./record.js";
import { roughness } from "./roughness.js";

/** A network's part of a landscape. */
export interface NetworkLandscape {
  readonly name: string;
  readonly path: string;
  /** What computed the losses. */
  readonly engine: string | null;
  /** Of the network as it was trained. */
  readonly loss: number | null;
  readonly top1: number | null;
  /** Of the points with a finite loss. */
  readonly highest: number | null;
  /** See roughness(). null where the grid is not whole, or flat. */
  readonly roughness: number | null;
  /** losses[row][column], along the second and the first direction; null where it is not finite, or not there yet. */
  readonly losses: readonly (readonly (number | null)[])[];
  readonly points: number;
  readonly notFinite: number;
}

/** What `onebit landscape --json` prints. */
export interface LandscapeResult extends Omit<LandscapeRecord, "networks"> {
  readonly networks: readonly NetworkLandscape[];
}

export function landscapeResult(
  record: LandscapeRecord,
  past: readonly PlacedLoss[],
): LandscapeResult {
  const { points } = record.grid;
  const networks = record.networks.map(({ name, path }): NetworkLandscape => {
    const own = past.filter(({ network }) => network === name);
    const at = new Map(own.map((point) => [point.row * points + point.column, point]));
    const losses = Array.from({ length: points }, (_, row) =>
      Array.from({ length: points }, (_, column) => at.get(row * points + column)?.loss ?? null),
    );
    const trained = at.get((points ** 2 - 1) / 2);
    const finite = own.flatMap(({ loss }) => (loss === null ? [] : [loss]));
    const rough = roughness(losses.map((row) => row.map((loss) => loss ?? Number.NaN)));
    return {
      ...{ name, path, engine: own[0]?.engine ?? null },
      ...{ loss: trained?.loss ?? null, top1: trained?.top1 ?? null },
      highest: finite.length ? finite.reduce((a, b) => Math.max(a, b)) : null,
      roughness: own.length === points ** 2 && Number.isFinite(rough) ? rough : null,
      ...{ losses, points: own.length, notFinite: own.length - finite.length },
    };
  });
  return { ...record, networks };
}
