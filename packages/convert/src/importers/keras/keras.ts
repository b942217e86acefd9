import { OnebitError } from "onebit";
import { counted } from "onebit/words";
import type { KerasModel } from "../../readers/hdf5/keras-model.js";
import type { TensorEntry } from "../../readers/tensor-entry.js";
import { printable } from "../../readers/text.js";
import { assumedImages } from "../described/images.js";
import { bytesOf, DescribedNetwork } from "../described/network.js";
import type { Value } from "../described/values.js";
import type { Numbers } from "../described/weights.js";
import type { FoundNetwork, Importer, NetworkOptions, StoredNetwork } from "../importer.js";
import type { InputSize } from "../preprocess.js";
import { type KerasLayer, type KerasNetwork, kerasNetwork } from "./config.js";
import { Layer, show } from "./layer.js";
import { layers } from "./layers.js";
import { zooNames, zooNetwork } from "./zoo/index.js";

/**
 * Networks of Keras and Larq, `.h5`: those of model.save() by the configuration inside the file, Larq Zoo's
 * weights by the names of their layers. docs/from-larq.md.
 */
export const keras: Importer = {
  family: "keras",
  recognises: ({ format }) => format === "hdf5",
  owns: (key) => !key.startsWith("optimizer_weights."),
  takes: [],
  network: findNetwork,
};

async function findNetwork(
  { description, tensors }: StoredNetwork,
  options: NetworkOptions,
): Promise<FoundNetwork> {
  if (description?.kind !== "keras") throw new OnebitError("not a Keras file");
  const { model } = description;
  const weights = weightsOf(model, tensors);
  const network = networkOf(model, weights);
  const net = new DescribedNetwork(network.name, bytesOf(tensors));
  const input = inputSize(network, options);
  const values = translated(net, { network, weights, input, version: majorVersion(model) });
  const graph = net.classifier(values.get(network.output)!, "the network");
  if (!net.isBinary) {
    throw new OnebitError(
      "there is no layer with binary weights in it: onebit packs 1-bit networks, of Larq's Quant layers",
    );
  }
  const { preprocess, notes } = assumedImages(input, options);
  return {
    ...{ architecture: { graph }, tensors: net.tensors, form: "binary", preprocess },
    notes: [...zooNotes(model, network), ...net.notes, ...notes, ...unusedNotes(network, weights)],
  };
}

function networkOf(
  { config, layers: stored }: KerasModel,
  weights: Translating["weights"],
): KerasNetwork {
  if (config !== undefined) return kerasNetwork(config);
  const known = zooNetwork(weights);
  if (known) return known;
  // Keras 3 lists no layers in a file of weights.
  const named = stored.length === 0 ? "" : ` (${layerNames(stored)})`;
  throw new OnebitError(
    `weights without their network${named}, and none of Larq Zoo's that are known (${zooNames}): save it with model.save("net.h5")`,
  );
}

function layerNames(stored: KerasModel["layers"]): string {
  const names = stored.slice(0, 4).map(({ layer }) => printable(layer));
  const more = stored.length > names.length ? ", ..." : "";
  return `${counted(stored.length, "layer")}: ${names.join(", ")}${more}`;
}

/** Arrays of every layer by their own names. */
function weightsOf(
  { layers: stored }: KerasModel,
  tensors: ReadonlyMap<string, TensorEntry>,
): Map<string, Map<string, Numbers>> {
  const byPath = new Map([...tensors.values()].map((entry) => [entry.path.join("/"), entry]));
  const found = new Map<string, Map<string, Numbers>>();
  for (const { layer, arrays } of stored) {
    const own = new Map<string, Numbers>();
    for (const { name, path } of arrays) {
      const entry = byPath.get(path);
      if (!entry)
        throw new OnebitError(`${printable(path)}: weight_names names it, and it is not there`);
      if (own.has(name)) {
        throw new OnebitError(
          `${printable(layer)}: holds several layers (two arrays ${printable(name)}), a network within the network; save it as one`,
        );
      }
      own.set(name, { shape: entry.shape, floats: entry.floats });
    }
    found.set(layer, own);
  }
  return found;
}

interface Translating {
  readonly network: KerasNetwork;
  readonly weights: ReadonlyMap<string, ReadonlyMap<string, Numbers>>;
  readonly input: InputSize;
  readonly version: number;
}

/** Every layer that the scores need, in the order of their needs. */
function translated(
  net: DescribedNetwork,
  { network, weights, input, version }: Translating,
): Map<string, Value> {
  const values = new Map<string, Value>();
  for (const layer of ordered(network)) {
    if (layer.kind === "InputLayer") {
      values.set(layer.name, net.input([1, ...input]));
      continue;
    }
    const arrays = weights.get(layer.name) ?? new Map<string, Numbers>();
    const inputs = layer.inputs.map((name) => values.get(name)!);
    const one = new Layer(net, layer, inputs, arrays, version, layer.name === network.output);
    const translate = Object.hasOwn(layers, layer.kind) ? layers[layer.kind] : undefined;
    if (!translate) {
      throw one.error(
        `is a layer that onebit does not know; these are: ${Object.keys(layers).join(", ")}`,
      );
    }
    values.set(layer.name, translate(one));
  }
  return values;
}

/** What a layer reads before it; only what leads to the output. */
function ordered({ layers: all, output }: KerasNetwork): KerasLayer[] {
  const byName = new Map(all.map((layer) => [layer.name, layer]));
  if (byName.size < all.length)
    throw new OnebitError("model_config: two layers have the same name");
  const done = new Map<string, "begun" | "done">();
  const order: KerasLayer[] = [];
  const stack = [output];
  while (stack.length > 0) {
    const name = stack.at(-1)!;
    const layer = byName.get(name);
    if (!layer) throw new OnebitError(`model_config: there is no layer ${printable(name)}`);
    const waiting = layer.inputs.filter((input) => done.get(input) !== "done");
    if (done.get(name) === "done") stack.pop();
    else if (waiting.length === 0) {
      done.set(name, "done");
      order.push(layer);
      stack.pop();
    } else {
      if (done.get(name) === "begun" && waiting.some((input) => done.get(input) === "begun")) {
        throw new OnebitError(`model_config: ${printable(name)} reads itself, by way of others`);
      }
      done.set(name, "begun");
      stack.push(...waiting);
    }
  }
  return order;
}

/** batch_input_shape of Keras 2, batch_shape of Keras 3: [null, height, width, channels]. */
function inputSize(
  { layers: all }: KerasNetwork,
  { input: told, preprocess }: NetworkOptions,
): InputSize {
  const inputs = all.filter(({ kind }) => kind === "InputLayer");
  if (inputs.length !== 1) {
    throw new OnebitError(
      `the network has ${counted(inputs.length, "input")}; an image classifier has one`,
    );
  }
  const { batch_input_shape, batch_shape } = inputs[0].config;
  const shape = (batch_input_shape ?? batch_shape) as readonly unknown[] | undefined;
  const [, height, width, channels] = shape ?? [];
  const size = [channels, height, width].map(
    (n, axis) => n ?? told?.[axis] ?? preprocess?.size?.[axis - 1],
  );
  const fits = size.every(
    (n) => typeof n === "number" && Number.isSafeInteger(n) && n > 0 && n < 2 ** 16,
  );
  if (shape?.length === 4 && fits) return size as unknown as InputSize;
  throw new OnebitError(
    `its input is ${show(shape)}; an image is wanted, [null, height, width, channels]; what is open, --input 3x224x224 says`,
  );
}

const majorVersion = ({ version }: KerasModel): number => Number.parseInt(version ?? "2", 10) || 2;

function zooNotes({ config }: KerasModel, { name }: KerasNetwork): string[] {
  if (config !== undefined) return [];
  return [
    `the file holds no network: by its layers it is Larq Zoo's ${name} for images of 224x224`,
  ];
}

function unusedNotes({ layers: all }: KerasNetwork, weights: Translating["weights"]): string[] {
  const known = new Set(all.map(({ name }) => name));
  const left = [...weights].filter(([name, arrays]) => arrays.size > 0 && !known.has(name));
  if (left.length === 0) return [];
  return [
    `arrays of layers that the network does not have: ${left.map(([name]) => printable(name)).join(", ")}`,
  ];
}
