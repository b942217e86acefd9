import { OnebitError } from "onebit";
import type { Graph } from "onebit/graph";
import type { Form } from "onebit/models";
import type { Match } from "./match.js";

/** How far a BNext has come on its way to binary weights. */
export interface TemperatureReport {
  readonly value: number;
  /** Below it weights are signs. */
  readonly threshold: number;
  /** Epochs done on the published schedule, 0.9^epoch; none where the temperature is 0. */
  readonly epoch?: number;
  /** The epoch from which weights are binary on that schedule. */
  readonly binaryEpoch: number;
}

const decay = 0.9;

/** Epochs after which 0.9^e is below the threshold: 153 for 1e-7, 110 for BNext-18's 1e-5. */
function binaryEpoch(threshold: number): number {
  return Math.ceil(Math.log(threshold) / Math.log(decay));
}

/**
 * The temperature of the 1-bit convolutions, undefined where the graph has none. All must agree
 * unless all are low enough: the network has one. Those of activations decide nothing.
 */
export async function readTemperature(
  graph: Graph,
  matches: readonly Match[],
): Promise<TemperatureReport | undefined> {
  const threshold = graph.nodes.find(
    ({ op, inputs }) => op === "binarize-weight" && inputs.length > 1,
  )?.attrs.threshold as number | undefined;
  if (threshold === undefined) return undefined;
  const values = new Map<string, number>();
  for (const { key, entry } of matches.filter((match) => isWeightTemperature(match))) {
    values.set(key, (await entry.floats())[0]);
  }
  const wrong = [...values].find(([, value]) => !(value >= 0 && value < Infinity));
  if (wrong) throw new OnebitError(`${wrong[0]} is ${wrong[1]}, no temperature`);
  const [low, high] = [Math.min(...values.values()), Math.max(...values.values())];
  if (high >= threshold && low !== high) {
    throw new OnebitError(
      `the temperatures of its convolutions range from ${low} to ${high}: a network has one until all are below ${threshold}`,
    );
  }
  const epoch = high > 0 ? Math.max(0, Math.round(Math.log(high) / Math.log(decay))) : undefined;
  return { value: high, threshold, epoch, binaryEpoch: binaryEpoch(threshold) };
}

export function isWeightTemperature({ key, spec }: Match): boolean {
  return spec.kind === "mirror" && key.endsWith(".binary_conv.temperature");
}

/** Whether weights are signs: in binary form, and with a temperature that is low enough. */
export function isBinary(form: Form, temperature?: TemperatureReport): boolean {
  return form === "binary" && !(temperature && temperature.value >= temperature.threshold);
}

export function notYetBinary({ value, threshold, epoch, binaryEpoch }: TemperatureReport): string {
  return (
    `its weights are not binary yet: the temperature is ${value.toPrecision(3)}, they become signs below ${threshold}; ` +
    `on the published schedule (x 0.9 per epoch) it stands at epoch ${epoch} and is binary from epoch ${binaryEpoch}`
  );
}
