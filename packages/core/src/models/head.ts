import type { GraphBuilder } from "../graph/builder.js";
import { globalAveragePool, type LayerBits, linear } from "../graph/layers.js";

export interface Classifier {
  /** "fc" when absent. */
  readonly key?: string;
  readonly bits?: LayerBits;
}

/** Global average pool and classifier; the pooled vector becomes the output "features". */
export function classifierHead(
  b: GraphBuilder,
  x: string,
  classes: number,
  { key = "fc", bits }: Classifier = {},
): string {
  const features = globalAveragePool(b, "avgpool", x);
  b.output("features", features);
  return linear(b, key, features, classes, key, bits);
}

/** Names `map` the output "stage-<stride>": the last map at that stride keeps the name. */
export function stageOutput(b: GraphBuilder, map: string): string {
  const stride = Math.round(b.shape("x")[2] / b.shape(map)[2]);
  b.output(`stage-${stride}`, map);
  return map;
}
