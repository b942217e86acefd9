import { OnebitError, UsageError } from "onebit";
import { type Graph, typesOf } from "onebit/graph";
import type { Preprocess } from "onebit/image";
import type { Checkpoint } from "../readers/checkpoint.js";
import { parseMxnetSymbol, type SymbolNode } from "../readers/mxnet/symbol.js";
import type { TensorEntry } from "../readers/tensor-entry.js";
import { printable } from "../readers/text.js";
import { bmxnetGraph } from "./bmxnet-graph.js";
import { unpacked } from "./bmxnet-weights.js";
import type { Imported, ImportOptions } from "./import-checkpoint.js";
import { type Labels, labelsFor } from "./labels.js";
import { matchTensors } from "./match.js";
import { fitted, type InputSize, overridden } from "./preprocess.js";
import { readTensors } from "./read-tensors.js";
import { tensorReport } from "./report.js";

/**
 * A binary network of BMXNet 1, packed by its model converter: `.params`, and the `-symbol.json` that
 * describes the network. Conventions and how they were found: docs/bmxnet.md.
 */
export async function importBmxnet(
  checkpoint: Checkpoint,
  options: ImportOptions,
  source: string | undefined,
): Promise<Imported> {
  refuseForeign(options);
  const symbol = parseMxnetSymbol(await symbolText(options));
  const stored = withoutKinds(checkpoint.tensors);
  const input = inputSize(symbol.nodes, stored, options);
  const { graph, packed } = bmxnetGraph(symbol, input);
  const matches = matchTensors(graph, unpackedAll(stored, packed, graph));
  const { weights = "latent" } = options;
  const tensors = await readTensors(graph, matches, { binary: true, weights });
  const labels = bmxnetLabels(graph, input, options.labels);
  const sha256 = await checkpoint.sha256();
  const reports = matches.map(({ key, spec }) => tensorReport(key, spec, stored.get(key)!));
  return {
    model: {
      ...{ architecture: { graph }, tensors, labels: labels.names },
      preprocess: preprocessFor(input, options),
      card: { source, sha256 },
    },
    report: {
      ...{ format: checkpoint.format, sha256, wrapper: [], prefix: "" },
      ...{ family: "bmxnet", arch: "bmxnet", switches: {}, classes: classesOf(graph), input },
      ...{ widths: widthsOf(graph), form: "binary", binary: true, tensors: reports },
      ignored: reports.filter(({ fate }) => fate === "dead").map(({ key }) => key),
      ...{ outside: 0, leftOut: [] },
      notes: [...sizeNotes(input, options), ...labels.notes],
    },
  };
}

/** Options that choose among architectures mean nothing to a network that describes itself. */
function refuseForeign(options: ImportOptions): void {
  const { arch, stemStride, form, quantised, wrapper, zeroWeights } = options;
  const given = Object.entries({ arch, stemStride, form, quantised, wrapper, zeroWeights });
  const [wrong] = given.filter(([, value]) => value !== undefined);
  if (!wrong) return;
  throw new UsageError(`${wrong[0]}: a BMXNet network describes itself; leave it out`);
}

async function symbolText({ symbol }: ImportOptions): Promise<string> {
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
): Map<string, TensorEntry> {
  const read = ([key, entry]: readonly [string, TensorEntry]) =>
    [key, packed.has(key) ? unpacked(entry, graph.tensors[key].shape) : entry] as const;
  return new Map([...stored].map(read));
}

/** No symbol tells the height and width of its images: those of CIFAR-10 unless told. */
function inputSize(
  nodes: readonly SymbolNode[],
  stored: ReadonlyMap<string, TensorEntry>,
  { input, preprocess }: ImportOptions,
): InputSize {
  const [height, width] = preprocess?.size ?? [32, 32];
  return input ?? [channelsOf(nodes, stored), height, width];
}

function sizeNotes(input: InputSize, { input: told, preprocess }: ImportOptions): string[] {
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

function classesOf(graph: Graph): number {
  return typesOf(graph).get(graph.outputs.logits)!.shape[1];
}

/** Of the binary convolutions, a number for every stage. */
function widthsOf(graph: Graph): number[] {
  const binary = Object.values(graph.tensors).filter(({ role }) => role === "binary");
  const outs = binary.map(({ shape }) => shape[0]);
  return outs.filter((width, i) => width !== outs[i - 1]);
}

const cifar10 = "airplane automobile bird cat deer dog frog horse ship truck".split(" ");

function bmxnetLabels(graph: Graph, input: InputSize, told?: readonly string[]): Labels {
  const classes = classesOf(graph);
  if (told || classes !== 10 || input.join() !== "3,32,32") return labelsFor(classes, told);
  const note = "10 classes of 3x32x32 images: taken for CIFAR-10; --labels gives others";
  return { names: cifar10, notes: [note] };
}

/** MXNet's examples subtract these from pixels of 0 .. 255, ImageNet or not, and scale nothing. */
const pixelMeans = [123.68, 116.779, 103.939];

function preprocessFor(
  [channels, height, width]: InputSize,
  { preprocess = {} }: ImportOptions,
): Preprocess {
  if (channels !== 3 && !(preprocess.mean && preprocess.std)) {
    throw new OnebitError(
      `images of ${channels} channels: how they were normalised is not known; give mean and std`,
    );
  }
  const defaults: Preprocess = {
    ...fitted([height, width]),
    ...{ channels: channels as 1 | 3, interpolation: "bilinear" },
    mean: pixelMeans.map((mean) => mean / 255),
    std: pixelMeans.map(() => 1 / 255),
  };
  return overridden(defaults, preprocess);
}
