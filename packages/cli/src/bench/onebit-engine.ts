import {
  type BackendName,
  type Budget,
  type FloatTensor,
  load,
  type MapType,
  type Model,
} from "onebit";
import { type Competitor, memoryMeter, timed } from "./latency.js";
import { medianLoad, timedLoad } from "./load-time.js";

/** A packed network on one of onebit's backends, ready to run. */
export interface OnebitEntry extends Competitor {
  readonly backend: BackendName;
  /** The backend, and the type of maps where it is not float32. */
  readonly label: string;
  readonly loadMs: number;
  readonly peakBytes: number;
  readonly arenaBytes?: number;
  readonly model: Model;
}

export interface OnebitEngineOptions {
  readonly threads: number;
  readonly batch: number;
  /** Default: as the file says. */
  readonly maps?: MapType;
  readonly budget?: Budget;
}

/** Loads a packed network and runs it once. */
export async function onebitEntry(
  packed: Uint8Array,
  backend: BackendName | "auto",
  { threads, batch, maps, budget }: OnebitEngineOptions,
): Promise<OnebitEntry> {
  const grown = memoryMeter();
  const start = performance.now();
  const model = await load(packed, { backend, threads, maps, budget });
  const firstMs = performance.now() - start;
  const chosen = model.backend as BackendName;
  await model.ready();
  const input = randomImages(model, batch);
  await model.run(input);
  const peakBytes = grown();
  const loadMs = await medianLoad(firstMs, () =>
    timedLoad(
      () => load(packed, { backend: chosen, threads, maps, budget }),
      (another) => another.dispose(),
    ),
  );
  const { maps: kept } = model.info;
  const engine = `onebit ${chosen}${kept === "float32" ? "" : `, ${kept} maps`}`;
  const label = kept === "float32" ? chosen : `${chosen} ${kept}`;
  return {
    ...{ engine, label, backend: chosen, threads, loadMs, peakBytes },
    arenaBytes: model.arenaBytes,
    model,
    run: () => timed(() => model.run(input)),
  };
}

/** Deterministic noise around 0. */
export function randomImages({ inputs }: Pick<Model, "inputs">, batch: number): FloatTensor {
  const [info] = Object.values(inputs);
  const shape = [batch, ...info.shape];
  const length = shape.reduce((product, dim) => product * dim, 1);
  const data = Float32Array.from({ length }, (_, i) => Math.sin(12.9898 * (i + 1)));
  return { shape, data };
}
