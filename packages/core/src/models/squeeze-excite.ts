import type { GraphBuilder } from "../graph/builder.js";
import { conv2d } from "../graph/layers.js";

/** y = x sigmoid(x). Source: arXiv 1710.05941. */
export function swish(b: GraphBuilder, x: string, name: string): string {
  return b.op("mul", [x, b.op("sigmoid", [x], {}, `${name}.sigmoid`)], {}, name);
}

/**
 * Squeeze and excite as torchvision's float networks have it: x times sigmoid(fc2(act(fc1(mean x)))), both 1x1
 * convolutions with biases. Source: arXiv 1709.01507.
 */
export function exciteMap(
  b: GraphBuilder,
  key: string,
  x: string,
  { hidden, activation }: { readonly hidden: number; readonly activation: "relu" | "swish" },
): string {
  const out = b.shape(x)[1];
  const pooled = b.op("global-average-pool", [x], {}, `${key}.avgpool`);
  const dense = { kernel: 1, bias: true, role: "gate" } as const;
  const squeezed = conv2d(b, `${key}.fc1`, pooled, { ...dense, out: hidden });
  const active =
    activation === "swish"
      ? swish(b, squeezed, `${key}.activation`)
      : b.op("relu", [squeezed], {}, `${key}.activation`);
  const logits = conv2d(b, `${key}.fc2`, active, { ...dense, out });
  const gate = b.op("sigmoid", [logits], {}, `${key}.gate`);
  return b.op("mul", [x, gate], {}, key);
}
