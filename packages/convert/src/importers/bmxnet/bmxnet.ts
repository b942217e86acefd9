import { OnebitError, UsageError } from "onebit";
import { type Graph, typesOf } from "onebit/graph";
import type { Preprocess } from "onebit/image";
import { parseMxnetSymbol, type SymbolNode } from "../../readers/mxnet/symbol.js";
import type { TensorEntry } from "../../readers/tensor-entry.js";
import { printable } from "../../readers/text.js";
import { cifar10 } from "../cifar.js";
import type {
  FoundNetwork,
  Importer,
  NetworkOptions,
  NetworkTensor,
  StoredNetwork,
} from "../importer.js";
import type { Labels } from "../labels.js";
import { fitted, type InputSize } from "../preprocess.js";
import { bmxnetGraph } from "./graph.js";
import { unpacked } from "./weights.js";

/**
 * Binary networks of BMXNet 1, packed by its model converter: `.params`, and the `-symbol.json` that
 * describes the network. Conventions and how they were found: docs/bmxnet.md.
 */
export const bmxnet: Importer = {
  family: "bmxnet",
  recognises: ({ format }) => format === "mxnet-params",
  takes: [],
  network: findNetwork,
};

async function findNetwork(
  { tensors }: StoredNetwork,
  options: NetworkOptions,
): Promise<FoundNetwork> {
  const symbol = parseMxnetSymbol(await symbolText(options));
  const stored = withoutKinds(tensors);
  const input = inputSize(symbol.nodes, stored, options);
  const { graph, packed } = bmxnetGraph(symbol, input);
  return {
    architecture: { graph },
    tensors: unpackedAll(stored, packed, graph),
    form: "binary",
    labels: labelsOf(graph, input),
    preprocess: preprocessOf(input, options),
    notes: sizeNotes(input, options),
  };
}

async function symbolText({ symbol }: NetworkOptions): Promise<string> {
  if (symbol) return symbol();
  throw new UsageError(
    "MXNet parameters without the network: give the text of its -symbol.json as well",
  );
}

/** `arg:` before parameters and `aux:` before statistics are MXNet's, not the network's. */
function withoutKinds(tensors: ReadonlyMap<string, TensorEntry>): Map<string, TensorEntry> {
  const plain = new Map<string, TensorEntry>();
  for (const [name, entry] of tensors) {
    const key = name.replace(/^(arg|aux):/, "");
    if (plain.has(key)) throw new OnebitError(`two tensors are named ${printable(key)}`);
    plain.set(key, { ...entry, key });
  }
  return plain;
}

function unpackedAll(
  stored: ReadonlyMap<string, TensorEntry>,
  packed: ReadonlySet<string>,
  graph: Graph,
): Map<string, NetworkTensor> {
  const read = ([key, entry]: readonly [string, TensorEntry]): [string, NetworkTensor] => {
    if (!packed.has(key)) return [key, entry];
    return [key, { ...unpacked(entry, graph.tensors[key].shape), stored: entry }];
  };
  return new Map([...stored].map(read));
}

/** No symbol tells the height and width of its images: those of CIFAR-10 unless told. */
function inputSize(
  nodes: readonly SymbolNode[],
  stored: ReadonlyMap<string, TensorEntry>,
  { input, preprocess }: NetworkOptions,
): InputSize {
  const [height, width] = preprocess?.size ?? [32, 32];
  return input ?? [channelsOf(nodes, stored), height, width];
}

function sizeNotes(input: InputSize, { input: told, preprocess }: NetworkOptions): string[] {
  if (told || preprocess?.size) return [];
  return [`weights do not tell the input size: ${input.join("x")} is assumed`];
}

/** Of the images: what the first operator's parameter has a value for each of, or takes. */
function channelsOf(
  nodes: readonly SymbolNode[],
  stored: ReadonlyMap<string, TensorEntry>,
): number {
  const first = nodes.find(({ op }) => op === "BatchNorm" || op === "Convolution");
  const shape = stored.get(nodes[first?.inputs[1]?.[0] ?? -1]?.name ?? "")?.shape;
  const channels = first?.op === "BatchNorm" ? shape?.[0] : shape?.[1];
  if (channels) return channels;
  throw new OnebitError(
    "MXNet symbol: neither a first batch norm nor a first convolution tells how many channels images have; give the size of the input",
  );
}

function labelsOf(graph: Graph, input: InputSize): Labels | undefined {
  const [, classes] = typesOf(graph).get(graph.outputs.logits)!.shape;
  if (classes !== 10 || input.join() !== "3,32,32") return undefined;
  const note = "10 classes of 3x32x32 images: taken for CIFAR-10; --labels gives others";
  return { names: cifar10, notes: [note] };
}

/** MXNet's examples subtract these from pixels of 0 .. 255, ImageNet or not, and scale nothing. */
const pixelMeans = [123.68, 116.779, 103.939];

function preprocessOf(
  [channels, height, width]: InputSize,
  { preprocess = {} }: NetworkOptions,
): Preprocess {
  if (channels !== 3 && !(preprocess.mean && preprocess.std)) {
    throw new OnebitError(
      `images of ${channels} channels: how they were normalised is not known; give mean and std`,
    );
  }
  return {
    ...fitted([height, width]),
    ...{ channels: channels as 1 | 3, interpolation: "bilinear" },
    mean: pixelMeans.map((mean) => mean / 255),
    std: pixelMeans.map(() => 1 / 255),
  };
}
