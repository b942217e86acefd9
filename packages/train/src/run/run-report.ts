import { summarize } from "onebit/cost";
import { type Graph, rebatch } from "onebit/graph";
import { historyCurves } from "../report/history-curves.js";
import { layerCosts } from "../report/layer-costs.js";
import type { Confusion, Report } from "../report/types.js";
import { watchedLayersOf } from "../report/watched-layers.js";
import {
  type Best,
  type EpochEvent,
  evaluated,
  type ObservationEvent,
  type TrainingWarning,
} from "./events.js";
import type { RunRecord } from "./run-folder.js";

/** A larger table says nothing and makes the page slow. */
const MOST_CLASSES = 100;

/** What the report of a run shows so far. */
export interface RunProgress {
  readonly record: RunRecord;
  readonly network: Graph;
  readonly history: readonly EpochEvent[];
  readonly observations?: readonly ObservationEvent[];
  readonly warnings?: readonly TrainingWarning[];
  readonly best: Best | null;
  /** Of the last epoch's evaluation. */
  readonly confusion: Confusion["counts"];
}

/** What report.html shows of a run, as far as it has come. */
export function runReport(progress: RunProgress): Report {
  const { record, network, history, observations = [], warnings = [], best, confusion } = progress;
  const { recipe, data, model, seed, threads, versions } = record;
  const { blocks, binaryShareOfMacs, binaryShareOfParameters, parameters } = summarize(
    rebatch(network, 1),
  );
  const last = history[history.length - 1];
  const { part, scores } = evaluated(last);
  const share = (x: number) => `${(100 * x).toFixed(2)} %`;
  const seconds = history.reduce((sum, epoch) => sum + epoch.seconds, 0);
  return {
    title: `${network.name} on ${data.name}`,
    summary: `Recipe ${recipe.name}, epoch ${last.epoch} of ${last.epochs}.`,
    facts: [
      {
        name: `top-1 on the ${part === "test" ? "test" : "held-back"} images`,
        value: share(scores.top1),
        note: best ? `best ${share(best.top1)}, after epoch ${best.epoch}` : "not binary yet",
      },
      { name: "top-1 while training", value: share(last.train.top1) },
      { name: "parameters", value: parameters.toLocaleString("en") },
      {
        name: "1-bit",
        value: share(binaryShareOfMacs),
        note: `of the multiply-accumulates, ${share(binaryShareOfParameters)} of the weights`,
      },
      {
        name: "time",
        value: `${(seconds / 60).toFixed(1)} min`,
        note: `${last.imagesPerSecond.toFixed(0)} images/s in the last epoch`,
      },
    ],
    warnings: warnings.map(({ epoch, message }) => `Epoch ${epoch}: ${message}`),
    curves: historyCurves(history),
    watched: watchedLayersOf(observations),
    confusion:
      data.classes.length > MOST_CLASSES ? undefined : { classes: data.classes, counts: confusion },
    layers: layerCosts(blocks),
    provenance: {
      recipe,
      model: "graph" in model ? network.name : model,
      data,
      seed,
      threads,
      versions,
    },
  };
}
