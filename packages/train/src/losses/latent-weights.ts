import { OnebitError } from "onebit";
import type { GraphBuilder } from "onebit/graph";

/** Keys of the weights whose signs the network uses. */
export function latentWeights(b: GraphBuilder, loss: string): string[] {
  const keys = Object.keys(b.tensors).filter((key) => b.tensors[key].role === "binary");
  if (keys.length) return keys;
  throw new OnebitError(`${loss}: ${b.name} has no binary weights`);
}
