import { OnebitError, type SignalLike } from "onebit";
import type { OnebitFile } from "onebit/file";
import { GraphBuilder } from "onebit/graph";
import { type Packed, pack } from "onebit/pack";
import type { Program, ValueId } from "onebit/program";
import { joinPrograms, type Trunk, trunkOf, writtenBy } from "./join-programs.js";
import { softmaxRegression } from "./softmax-regression.js";

/** A packed network up to what its classifier reads. OnebitError where it does not end in a linear layer. */
export const headless = (file: Packed): Trunk => trunkOf(file, classifierInput(file.program));

/** What a classifier is fitted to. */
export interface Labelled {
  /** What the trunk hands on, of each picture, [C]. */
  readonly features: readonly Float32Array[];
  /** Numbers of their classes. */
  readonly labels: readonly number[];
  readonly classes: readonly string[];
  readonly signal?: SignalLike;
}

/** A trunk with a classifier that is fitted by logistic regression, in a file like the one that it was cut from. */
export async function withFittedHead(
  { preprocess, card }: OnebitFile,
  trunk: Trunk,
  { features, labels, classes, signal }: Labelled,
): Promise<OnebitFile> {
  const head = await fittedHead(features, labels, classes.length, signal);
  const retrained = { part: "classifier", pictures: features.length };
  return {
    ...joinPrograms(trunk, head),
    ...{ preprocess, labels: classes, card: { ...card, retrained } },
  };
}

/** What the last linear layer reads. */
function classifierInput({ values, steps, outputs }: Program): ValueId {
  const last = steps.find((step) => writtenBy(step).includes(outputs.logits));
  const [height, width] = last ? values[last.input].shape : [];
  // Of one pixel a convolution is a linear layer.
  const isOnePixel = height === 1 && width === 1;
  if (last?.kind === "linear" || (last?.kind === "conv" && isOnePixel)) return last.input;
  const what = last ? `a step of kind ${last.kind}` : "its input";
  throw new OnebitError(
    `the logits come from ${what}, not from a linear layer that can be replaced`,
  );
}

async function fittedHead(
  features: readonly Float32Array[],
  labels: readonly number[],
  classes: number,
  signal: SignalLike | undefined,
): Promise<Packed> {
  const { weight, bias } = await softmaxRegression(features, labels, { classes, signal });
  const inputs = weight.length / classes;
  const b = new GraphBuilder("head");
  const x = b.input("x", [1, inputs]);
  const spec = { kind: "parameter", role: "other", init: { kind: "constant", value: 0 } } as const;
  const tensors = {
    "fc.weight": { shape: [classes, inputs], data: weight },
    "fc.bias": { shape: [classes], data: bias },
  };
  const [w, c] = Object.entries(tensors).map(([key, { shape }]) =>
    b.tensor(key, { ...spec, shape }),
  );
  b.output("logits", b.op("linear", [x, w, c], {}, "fc"));
  return pack(b.build(), tensors);
}
