import { OnebitError, UsageError } from "../errors.js";
import type { Graph, Tensor } from "../graph/types.js";

/** The published schedule: multiplied by this after every epoch, of which there are 512. */
const DECAY = 0.9;
const EPOCHS = 512;

/** Value of a scalar input: given, or what the tensors that mirror it hold (the highest of them). */
export function readTemperature(
  input: string,
  graph: Graph,
  tensors: { readonly [key: string]: Tensor },
  given?: number,
): number {
  if (given !== undefined) {
    if (given >= 0) return given;
    throw new UsageError(`temperature ${given}: must be 0 or above`);
  }
  const held = Object.entries(graph.tensors)
    .filter(([key, { mirrors }]) => mirrors === input && Object.hasOwn(tensors, key))
    .map(([key]) => tensors[key].data[0]);
  if (held.length) return Math.max(...held);
  throw new UsageError(
    `${graph.name}: the value of its input "${input}" is not known; give { temperature } (0 once training is over)`,
  );
}

/** Refuses weights that are still real numbers on their way to signs. */
export function checkHard(node: string, temperature: number, threshold: number): void {
  if (temperature < threshold) return;
  const epochs = (t: number) => Math.log(t) / Math.log(DECAY);
  const end = Math.ceil(epochs(threshold));
  const now = Math.max(0, Math.round(epochs(temperature)));
  throw new OnebitError(
    `${node}: its weights are not binary yet: the temperature is ${temperature.toPrecision(3)}, they become signs below ${threshold}. ` +
      `On the published schedule (x ${DECAY} per epoch) that is epoch ${end}, a fraction of ${(end / EPOCHS).toFixed(2)} of ${EPOCHS} epochs; ` +
      `this one stands at epoch ${now}. Train on, or export the network as a float model`,
  );
}
