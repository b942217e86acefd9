import type { ObservationEvent } from "../run/events.js";
import type { WatchedLayers } from "./types.js";

/** More points than this say nothing on a line of so few pixels. */
const MOST = 90;

/** Observations as the report shows them, thinned where there are many; undefined where there are none. */
export function watchedLayersOf(
  observations: readonly ObservationEvent[],
): WatchedLayers | undefined {
  const every = Math.ceil(observations.length / MOST);
  const last = observations.length - 1;
  const shown = observations.filter((_, i) => (last - i) % every === 0);
  if (!shown.length) return undefined;
  const names = [...new Set(shown.flatMap(({ layers }) => Object.keys(layers)))];
  return {
    steps: shown.map(({ step }) => step),
    layers: names.map((name) => {
      const kinds = new Set(shown.flatMap(({ layers }) => Object.keys(layers[name] ?? {})));
      const figures = [...kinds].map((figure) => {
        const values = shown.map(({ layers }) => layers[name]?.[figure as Figure] ?? null);
        return [figure, values];
      });
      return { name, figures: Object.fromEntries(figures) };
    }),
  };
}

type Figure = keyof ObservationEvent["layers"][string];
