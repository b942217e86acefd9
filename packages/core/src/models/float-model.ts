import { OnebitError } from "../errors.js";
import {
  float32Values,
  readSafetensors,
  safetensorsHead,
  storedFloat32,
  writeSafetensors,
} from "../file/safetensors.js";
import { rebatch } from "../graph/rebatch.js";
import { type Graph, sizeOf, type Tensor } from "../graph/types.js";
import { parsePreprocess } from "../image/parse-preprocess.js";
import type { Preprocess } from "../image/preprocess.js";
import { onebitCommand } from "../words/shell.js";
import { buildModel } from "./build-model.js";
import type { ModelOptions } from "./options.js";

/**
 * A network with float32 tensors, latent weights and all: what training saves and import writes.
 * On disk a safetensors file whose metadata entry `onebit-model` says how to build the graph.
 */
export interface FloatModel {
  readonly architecture: Architecture;
  /** By the graph's keys: every tensor, dead ones too. */
  readonly tensors: { readonly [key: string]: Tensor };
  readonly labels: readonly string[];
  readonly preprocess: Preprocess;
  /** Free description: data, recipe, seed, accuracy. */
  readonly card: { readonly [field: string]: unknown };
}

/** How the graph is built again: an architecture by name, or a graph of one's own. */
export type Architecture =
  | { readonly name: string; readonly options: Partial<ModelOptions> }
  | { readonly graph: Graph };

/** Metadata entry of the safetensors file. */
export const FLOAT_MODEL_ENTRY = "onebit-model";
const ENTRY = FLOAT_MODEL_ENTRY;
const FORMAT = 1;

/** The graph of a float model, for so many images. */
export function floatModelGraph(
  { architecture }: Pick<FloatModel, "architecture">,
  batch = 1,
): Graph {
  if ("graph" in architecture) return rebatch(architecture.graph, batch);
  return buildModel(architecture.name, { ...architecture.options, batch });
}

/** Values of the graph's scalar inputs (temperature), from the tensors that mirror them. */
export function scalarInputs(
  graph: Graph,
  tensors: { readonly [key: string]: Tensor },
): { [name: string]: number } {
  const scalars: { [name: string]: number } = {};
  for (const [key, { kind, mirrors }] of Object.entries(graph.tensors)) {
    if (kind !== "mirror" || mirrors === undefined || !tensors[key]) continue;
    const value = tensors[key].data[0];
    // Activations never use theirs: the largest decides whether weights are binary.
    scalars[mirrors] = Math.max(scalars[mirrors] ?? 0, value);
  }
  return scalars;
}

/** A float model's file piece by piece, for networks that would fill the memory. */
export async function* floatModelChunks(
  model: Omit<FloatModel, "tensors">,
  tensors: AsyncIterable<readonly [key: string, Tensor]>,
): AsyncGenerator<Uint8Array> {
  const shapes = Object.entries(floatModelGraph(model).tensors);
  const listed = shapes.map(([key, { shape }]) => [key, { dtype: "F32", shape }] as const);
  yield safetensorsHead({ metadata: metadataOf(model), tensors: Object.fromEntries(listed) });
  let index = 0;
  for await (const [key, { shape, data }] of tensors) {
    const [expected, spec] = shapes[index++] ?? ["nothing more", undefined];
    if (key !== expected || sizeOf(spec.shape) !== data.length) {
      throw new OnebitError(`${key} [${shape}]: ${expected} should follow`);
    }
    yield storedFloat32(shape, data).data;
  }
  if (index < shapes.length) throw new OnebitError(`${shapes[index][0]}: is missing`);
}

function metadataOf({ architecture, labels, preprocess, card }: Omit<FloatModel, "tensors">) {
  const about = { format: FORMAT, architecture, labels, preprocess, card };
  return { [ENTRY]: JSON.stringify(about) };
}

/** The bytes of a float model's file, in memory; floatModelChunks() writes larger ones. */
export function encodeFloatModel(model: FloatModel): Uint8Array {
  const { tensors } = model;
  const stored = Object.entries(tensors).map(([key, { shape, data }]) => [
    key,
    storedFloat32(shape, data),
  ]);
  return writeSafetensors({
    metadata: metadataOf(model),
    tensors: Object.fromEntries(stored),
  });
}

/** Reads a float model; every tensor of its architecture must be there with the right shape. */
export function decodeFloatModel(bytes: Uint8Array): FloatModel {
  const { metadata, tensors: stored } = readSafetensors(bytes);
  const about = parseFloatModelEntry(metadata[ENTRY]);
  const tensors = Object.fromEntries(
    Object.entries(stored).map(([key, tensor]) => [
      key,
      { shape: tensor.shape, data: float32Values(key, tensor) },
    ]),
  );
  const model = { ...about, tensors };
  checkTensors(floatModelGraph(model), tensors);
  return model;
}

/** What FLOAT_MODEL_ENTRY says: all but the tensors. OnebitError where it is missing or damaged. */
export function parseFloatModelEntry(text: string | undefined): Omit<FloatModel, "tensors"> {
  if (text === undefined) {
    throw new OnebitError(
      `a safetensors file without the entry "${ENTRY}": not a onebit model. Import it first: ${onebitCommand("import", "FILE", "-o", "model.safetensors")}`,
    );
  }
  const about = parseJson(text);
  const { format, architecture, labels, preprocess, card } = about;
  if (format !== FORMAT) {
    throw new OnebitError(`${ENTRY}: format ${format} is unknown, ${FORMAT} is: update onebit`);
  }
  if (!isArchitecture(architecture)) {
    throw new OnebitError(`${ENTRY}: the architecture must be { name, options } or { graph }`);
  }
  if (!Array.isArray(labels) || labels.some((label) => typeof label !== "string")) {
    throw new OnebitError(`${ENTRY}: labels must be a list of strings`);
  }
  const checked = parsePreprocess(preprocess, `${ENTRY}: preprocess`);
  return { architecture, labels, preprocess: checked, card: card ?? {} };
}

function isArchitecture(value: unknown): value is Architecture {
  if (typeof value !== "object" || value === null) return false;
  const { name, options, graph } = value as { [field: string]: unknown };
  const isObject = (field: unknown) => typeof field === "object" && field !== null;
  return isObject(graph) || (typeof name === "string" && isObject(options));
}

interface About {
  format?: unknown;
  architecture?: unknown;
  labels?: string[];
  preprocess?: unknown;
  card?: { [field: string]: unknown };
}

function parseJson(text: string): About {
  try {
    return JSON.parse(text) as About;
  } catch (error) {
    throw new OnebitError(`${ENTRY}: not JSON (${(error as Error).message})`);
  }
}

function checkTensors(graph: Graph, tensors: { readonly [key: string]: Tensor }): void {
  const unexpected = Object.keys(tensors).filter((key) => !graph.tensors[key]);
  const missing = Object.keys(graph.tensors).filter((key) => !tensors[key]);
  if (unexpected.length || missing.length) {
    throw new OnebitError(
      `${graph.name}: tensors do not fit the architecture: missing ${list(missing)}; unexpected ${list(unexpected)}`,
    );
  }
  for (const [key, { shape }] of Object.entries(graph.tensors)) {
    if (shape.join() === tensors[key].shape.join() && sizeOf(shape) === tensors[key].data.length)
      continue;
    throw new OnebitError(`${key}: shape [${shape}] wanted, the file has [${tensors[key].shape}]`);
  }
}

function list(keys: readonly string[]): string {
  if (!keys.length) return "none";
  return `${keys.slice(0, 5).join(", ")}${keys.length > 5 ? ` and ${keys.length - 5} more` : ""}`;
}
