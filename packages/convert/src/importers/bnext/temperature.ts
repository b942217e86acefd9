import { OnebitError } from "onebit";
import type { Graph } from "onebit/graph";
import type { FoundNetwork, NetworkTensor } from "../importer.js";

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

type Tensors = ReadonlyMap<string, NetworkTensor>;

/** What the temperature says of a graph that has one, and all of them as it says. */
export async function withTemperature(
  graph: Graph,
  tensors: Tensors,
): Promise<Pick<FoundNetwork, "tensors" | "temperature" | "notYetBinary">> {
  const temperature = await readTemperature(graph, tensors);
  if (!temperature) return { tensors };
  const isBinary = temperature.value < temperature.threshold;
  return {
    tensors: alike(graph, tensors, temperature.value),
    temperature,
    notYetBinary: isBinary ? undefined : notYetBinary(temperature),
  };
}

const decay = 0.9;

/** Epochs after which 0.9^e is below the threshold: 153 for 1e-7, 110 for BNext-18's 1e-5. */
function binaryEpoch(threshold: number): number {
  return Math.ceil(Math.log(threshold) / Math.log(decay));
}

/**
 * The temperature of the 1-bit convolutions, undefined where the graph or the file has none. All must
 * agree unless all are low enough: the network has one. Those of activations decide nothing.
 */
async function readTemperature(
  graph: Graph,
  tensors: Tensors,
): Promise<TemperatureReport | undefined> {
  const threshold = graph.nodes.find(
    ({ op, inputs }) => op === "binarize-weight" && inputs.length > 1,
  )?.attrs.threshold as number | undefined;
  if (threshold === undefined) return undefined;
  const values = new Map<string, number>();
  for (const [key, { kind }] of Object.entries(graph.tensors)) {
    const entry = tensors.get(key);
    if (kind !== "mirror" || !isOfWeights(key) || entry?.elements !== 1) continue;
    values.set(key, (await entry.floats())[0]);
  }
  if (values.size === 0) return undefined;
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

const isOfWeights = (key: string) => key.endsWith(".binary_conv.temperature");

/** An activation's temperature decides nothing, yet a mirror must not say more than the weights'. */
function alike(graph: Graph, tensors: Tensors, value: number): Tensors {
  const entries = [...tensors].map(([key, entry]): [string, NetworkTensor] => {
    if (graph.tensors[key]?.kind !== "mirror" || isOfWeights(key)) return [key, entry];
    return [key, { ...entry, floats: () => filled(entry, value) }];
  });
  return new Map(entries);
}

/** What is no number stays, to be refused. */
async function filled(entry: NetworkTensor, value: number): Promise<Float32Array<ArrayBuffer>> {
  const data = await entry.floats();
  return data.every(Number.isFinite) ? data.fill(value) : data;
}

function notYetBinary({ value, threshold, epoch, binaryEpoch }: TemperatureReport): string {
  return (
    `its weights are not binary yet: the temperature is ${value.toPrecision(3)}, they become signs below ${threshold}; ` +
    `on the published schedule (x 0.9 per epoch) it stands at epoch ${epoch} and is binary from epoch ${binaryEpoch}`
  );
}
