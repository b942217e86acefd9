import type { OnnxLayout, OnnxSettings } from "@onebit/convert";
import { type FlagValues, flag, under } from "./flag.js";
import { labels, labelsOf } from "./labels.js";
import { preprocessFlags, preprocessOverrides } from "./preprocess.js";
import { oneOf, words } from "./readers.js";
import { ofOnnx } from "./scopes.js";

const layout = flag(
  "--layout <order>",
  "of the images, where the model's shape does not tell",
  oneOf<OnnxLayout>(["nchw", "nhwc"]),
).of({ ...ofOnnx, instead: undefined });

export const outputName = flag(
  "--output-name <name>",
  "of the scores, where the model has several outputs",
  words,
).of({ ...ofOnnx, others: "says itself what its scores are", instead: undefined });

/** How an .onnx model is fed and read. */
export const onnxFlags = under("Of an .onnx model, where it does not say so itself:", [
  labels,
  ...preprocessFlags,
  layout,
  outputName,
]);

export type OnnxFlags = FlagValues<typeof onnxFlags>;

export async function onnxSettings(flags: OnnxFlags): Promise<OnnxSettings> {
  const { layout, outputName: output } = flags;
  return { layout, output, labels: await labelsOf(flags), preprocess: preprocessOverrides(flags) };
}
