import { evaluated } from "../run/events.js";
import type { LoggedEvent } from "../run/run-folder.js";
import type { LayerObservation } from "../watch/index.js";
import type { TaggedScalars } from "./event-proto.js";

/** What TensorBoard shows of a line of metrics.jsonl. What is before the slash becomes a section of its page. */
export function scalarsOf(event: LoggedEvent): TaggedScalars {
  switch (event.event) {
    case "step":
      return known({
        "step/loss": event.loss,
        "step/top1": event.accuracy,
        "step/gradientNorm": event.gradientNorm,
        "step/flipRate": event.flipRate,
        "step/imagesPerSecond": event.imagesPerSecond,
        "schedule/learningRate": event.learningRate,
        "schedule/temperature": event.temperature,
        ...under("schedule", event.scalars),
      });
    case "epoch": {
      const { part, scores } = evaluated(event);
      const { images: _, metrics, ...figures } = scores;
      return known({
        "epoch/loss": event.train.loss,
        "epoch/top1": event.train.top1,
        "epoch/flipRate": event.flipRate,
        "epoch/gradientNorm": event.gradientNorm,
        ...under(part, { ...figures, ...metrics }),
      });
    }
    case "observation":
      return known(layerScalars(event.layers));
    case "warning":
      return {};
    default:
      return event satisfies never;
  }
}

type Scalars = { readonly [name: string]: number | null | undefined };

function layerScalars(layers: { readonly [layer: string]: LayerObservation }): Scalars {
  const all = Object.entries(layers).flatMap(([layer, seen]) =>
    Object.entries(seen).map(([figure, value]) => [`${figure}/${layer}`, value]),
  );
  return Object.fromEntries(all);
}

const under = (section: string, scalars: Scalars = {}): Scalars =>
  Object.fromEntries(Object.entries(scalars).map(([name, value]) => [`${section}/${name}`, value]));

function known(scalars: Scalars): TaggedScalars {
  const there = Object.entries(scalars).filter(([, value]) => typeof value === "number");
  return Object.fromEntries(there) as TaggedScalars;
}
