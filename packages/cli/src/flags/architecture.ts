import { type WeightEstimator, weightEstimators } from "onebit/graph";
import type { Activation, Form, Gate, ModelOptions, Stem, Widening } from "onebit/models";
import { type FlagValues, flag, under } from "./flag.js";
import { quantised } from "./quantised.js";
import { fraction, misread, oneOf, type Reader, wholeNumber } from "./readers.js";
import { ofArchitectures } from "./scopes.js";

const imageSize: Reader<[channels: number, height: number, width: number]> = {
  read(text, name) {
    const sizes = text.split("x").map((part) => wholeNumber.read(part, name));
    if (sizes.length === 3) return sizes as [number, number, number];
    throw misread(name, text, "channels x height x width is wanted, such as 3x32x32");
  },
};

/** 32,64x2 is 32,64,64. */
const repeatedNumbers: Reader<number[]> = {
  read: (text, name) =>
    text.split(",").flatMap((item) => {
      const [value, times = "1"] = item.trim().split(/x(?=\d{1,3}$)/);
      const size = wholeNumber.read(value, name);
      return new Array<number>(wholeNumber.read(times, name)).fill(size);
    }),
};

const strides = oneOf(["1", "2"]);

const stride: Reader<1 | 2> = {
  choices: strides.choices,
  read: (text, name) => Number(strides.read(text, name)) as 1 | 2,
};

export const form = flag(
  "--form <form>",
  "weight form: binary, step1 (real weights, binary activations) or real (float twin)",
  oneOf<Form>(["binary", "step1", "real"]),
);

export const inputSize = flag("--input <CxHxW>", "size of the input, such as 3x32x32", imageSize);

export const stemStride = flag("--stem-stride <n>", "stride of the first convolution", stride);

export const classes = flag("--classes <n>", "number of classes", wholeNumber);

const switches = [
  form,
  flag(
    "--widths <list>",
    "channels of the stem and of each block, such as 32,64,128x2",
    repeatedNumbers,
  ),
  flag("--width <n>", "channels of the first stage (ResNet-like networks)", wholeNumber),
  flag(
    "--width-multiplier <x>",
    "times the published channels (PokeBNN), such as 0.5",
    fraction(0.5),
  ),
  flag("--depths <list>", "blocks of each stage (ResNet-like networks)", repeatedNumbers),
  stemStride,
  flag("--stem <kind>", "of ResNet-like networks", oneOf<Stem>(["imagenet", "small"])),
  flag(
    "--gate <kind>",
    "what the gate sees: mix (BNext), input (Real-to-Binary) or none",
    oneOf<Gate>(["mix", "input", "none"]),
  ),
  flag("--no-elm", "BNext without element-wise attention"),
  flag(
    "--activation <kind>",
    "ReActNet: rprelu, prelu or none; MobileNetV1: relu or relu6",
    oneOf<Activation>(["rprelu", "prelu", "none", "relu", "relu6"]),
  ),
  flag(
    "--widening <kind>",
    "ReActNet-A: 1x1 convolutions of widening blocks, binary, grouped (B) or real (C)",
    oneOf<Widening>(["binary", "grouped", "real"]),
  ),
  flag("--no-rsign", "ReActNet with signs at 0, not at learned thresholds"),
  flag(
    "--estimator <kind>",
    "derivative of an activation's sign: approx (ReActNet), clip (BNext), swish or identity",
    oneOf(["approx", "clip", "swish", "identity"]),
  ),
  flag(
    "--weight-estimator <kind>",
    "derivative of a weight's sign: clip (ReActNet), identity (BNext), magnitude (Bi-Real Net's article) or scaled (XNOR-Net)",
    oneOf<WeightEstimator>(weightEstimators),
  ),
  flag("--se-reduction <n>", "channels divided by this inside a gate", wholeNumber),
  quantised,
] as const;

const HEADING = "Architecture:";

/** Which network an architecture's name means. */
export const architectureFlags = under(HEADING, [classes, inputSize, ...switches]).map(
  (one) => one.of(ofArchitectures) as typeof one,
);

/** The same for training, which takes the classes and mostly the input size from the data. */
export const trainedArchitectureFlags = under(HEADING, [
  classes.refused("training takes them from the data"),
  inputSize.means("bring images to this size").otherwise("that of the data"),
  ...switches,
]);

export type ArchitectureFlags = FlagValues<typeof architectureFlags>;

/** Whether an architecture takes them is buildModel's to say. */
export function architectureOptions(flags: ArchitectureFlags): Partial<ModelOptions> {
  const { classes, input, form, widths, width, widthMultiplier, depths } = flags;
  const { stemStride, stem, gate, elm, activation, rsign, seReduction, quantised } = flags;
  const { estimator, weightEstimator, widening } = flags;
  return {
    ...{ classes, input, form, widths, width, widthMultiplier, depths },
    ...{ stemStride, stem, gate, elm, activation, rsign, seReduction, quantised },
    ...{ estimator, weightEstimator, widening },
  };
}
