import { OnebitError } from "onebit";
import { counted } from "onebit/words";
import { printable } from "../../readers/text.js";
import type { TfliteModel } from "../../readers/tflite/model.js";
import { assumedImages, type Normalisation } from "../described/images.js";
import type { Value } from "../described/values.js";
import type { FoundNetwork, Importer, NetworkOptions, StoredNetwork } from "../importer.js";
import { LCE_VERSION } from "./lce.js";
import { operators } from "./operators.js";
import { Operation, Translation } from "./translation.js";

/**
 * Binary networks of Larq Compute Engine's converter, `.tflite`: the file describes the network whole.
 * docs/from-larq.md.
 */
export const tflite: Importer = {
  family: "tflite",
  recognises: ({ format }) => format === "tflite",
  takes: [],
  network: findNetwork,
};

async function findNetwork(
  { description }: StoredNetwork,
  options: NetworkOptions,
): Promise<FoundNetwork> {
  if (description?.kind !== "tflite") throw new OnebitError("not a TensorFlow Lite model");
  const { model } = description;
  const t = new Translation(model);
  const shape = imageShape(model);
  t.define(model.inputs[0], t.net.input([1, shape[3], shape[1], shape[2]]));
  for (const operator of model.operators) add(t, new Operation(t, operator));
  const graph = t.net.classifier(scores(t), "the network");
  if (!t.net.isBinary) {
    throw new OnebitError(
      "there is no binary convolution (LceBconv2d) in it: onebit packs 1-bit networks; LiteRT runs this file as it is",
    );
  }
  const size = [shape[3], shape[1], shape[2]] as const;
  const { preprocess, notes } = assumedImages(size, options, bytePixels(model));
  return {
    architecture: { graph },
    tensors: t.net.tensors,
    form: "binary",
    preprocess,
    notes: [...t.net.notes, ...notes],
  };
}

function imageShape({ inputs, tensors }: TfliteModel): readonly number[] {
  if (inputs.length !== 1) {
    throw new OnebitError(
      `the network has ${counted(inputs.length, "input")}; an image classifier has one`,
    );
  }
  const { name, shape, type } = tensors[inputs[0]] ?? {};
  const isImage = shape?.length === 4 && shape.slice(1).every((size) => size > 0);
  if (isImage && (shape[0] === 1 || shape[0] === -1) && types.includes(type)) return shape;
  throw new OnebitError(
    `its input ${printable(name ?? "")} is ${type} [${shape}]; an image is wanted, [1, height, width, channels]`,
  );
}

/** Of an input of 8 bits, which is given pixels as they are, or less 128: what these stand for. */
function bytePixels({ inputs, tensors }: TfliteModel): Normalisation | undefined {
  const { type, quantised } = tensors[inputs[0]];
  if (quantised?.scale.length !== 1) return;
  const black = quantised.zero[0] + (type === "int8" ? 128 : 0);
  const [mean, std] = [black / 255, 1 / (255 * quantised.scale[0])];
  const said = `--mean ${readable(mean)} --std ${readable(std)}`;
  return {
    ...{ mean, std },
    note: `pixels are normalised as the file's input of 8 bits takes them (${said}); --mean and --std say otherwise`,
  };
}

const readable = (number: number) => Number(number.toPrecision(4));

const types = ["float32", "int8", "uint8"];

function add(t: Translation, o: Operation): void {
  const { op, version, outputs } = o.operator;
  const operator = Object.hasOwn(operators, op) ? operators[op] : undefined;
  if (!operator) {
    throw o.error(
      `is an operator that onebit does not know; these are: ${Object.keys(operators).join(", ")}`,
    );
  }
  if (op.startsWith("Lce") && version !== LCE_VERSION) {
    throw o.error(`its version is ${version}; ${LCE_VERSION} is known`);
  }
  const values = [operator(o)].flat() as Value[];
  values.forEach((value, i) => {
    t.define(outputs[i], o.saturated(value, i));
  });
}

/** What the file gives as its one output. */
function scores(t: Translation): Value {
  const { outputs, tensors } = t.model;
  const value = outputs.length === 1 ? t.value(outputs[0]) : undefined;
  if (value) return value;
  const names = outputs.map((index) => printable(tensors[index]?.name ?? "")).join(", ");
  throw new OnebitError(
    `the network's outputs are ${names || "none"}; a classifier has one, which its operators compute`,
  );
}
