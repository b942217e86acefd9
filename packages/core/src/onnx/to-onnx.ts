import { OnebitError } from "../errors.js";
import { type Graph, type Mode, sizeOf, type Tensor } from "../graph/types.js";
import { typesOf } from "../graph/types-of.js";
import { lowerForAnyBatch, type Shaped } from "./any-batch.js";
import { type FoldedGraph, foldConstants } from "./fold-constants.js";
import { fuseConvolutions } from "./fuse-conv.js";
import { quantisedParts, type Ranges, int8Values as valuesOf } from "./int8.js";
import { liveParts, type OnnxParts } from "./live-parts.js";
import { type Lowered, lowerGraph } from "./lower-graph.js";
import type { OnnxTarget } from "./lowering.js";
import { encodeModel, type OnnxTensor, type OnnxValue } from "./model-proto.js";
import { checkOutputNames, nameOutputs } from "./name-outputs.js";

const OPSET = 17;

/** For whom a graph is lowered, and in which mode. */
export interface ToOnnxOptions {
  readonly target?: OnnxTarget;
  readonly mode?: Mode;
  /** Weights as initialisers; without them every used tensor becomes an input of the ONNX graph. */
  readonly tensors?: { readonly [key: string]: Tensor };
  /** Values of scalar inputs (temperature) to bake in; the others stay inputs. */
  readonly scalars?: { readonly [name: string]: number };
  /**
   * Computes what depends on weights alone, so that a binary network holds -1 and +1 and no
   * binarisation, and folds batch-norms into real convolutions. Needs inference mode and tensors;
   * default: wherever there are both.
   */
  readonly fold?: boolean;
  /**
   * Leaves the batch size open: "N" in the shapes of inputs and outputs. Default: in inference mode
   * with tensors, where nothing in the graph fixes it. true: an error where something does.
   */
  readonly dynamicBatch?: boolean;
  readonly metadata?: { readonly [key: string]: string };
  /**
   * What int8Values() names of the same model, between which values: convolutions, matrix products and most of what stands
   * between them are then written in 8 bits ("QDQ"), with a scale for each output channel of weights. Needs tensors.
   */
  readonly int8?: Ranges;
}

/** Lowers a graph to an ONNX model (opset 17, standard ops only) and returns its bytes. */
export function toOnnx(graph: Graph, options: ToOnnxOptions = {}): Uint8Array {
  const { metadata = {}, int8 } = options;
  const { parts, inputs, outputs } = lowered(graph, options);
  const names = outputs.map(({ name }) => name);
  const body = int8 ? liveParts(quantisedParts(parts, int8, names), names) : parts;
  return encodeModel({ name: graph.name, opset: OPSET, ...body, inputs, outputs, metadata });
}

/** Names of the values, in the model that toOnnx() makes of the same, whose ranges `int8` wants. */
export function int8Values(graph: Graph, options: ToOnnxOptions): string[] {
  const { parts, outputs } = lowered(graph, options);
  return valuesOf(
    parts,
    outputs.map(({ name }) => name),
  );
}

interface LoweredModel {
  readonly parts: OnnxParts;
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
}

function lowered(graph: Graph, options: ToOnnxOptions): LoweredModel {
  const { target = "portable", mode = "inference", tensors } = options;
  const fold = options.fold ?? (mode === "inference" && tensors !== undefined);
  const split = splitConstants(graph, options, fold);
  const lower = (g: Graph) => lowerGraph(g, { target, mode, ...split });
  const { lowered, shapeOf } = lowerShaped(graph, lower, options);
  const outputs = outputValues(graph, mode);
  const outputNames = Object.keys(outputs);
  const inputs = modelInputs(graph, options, shapeOf);
  const taken = [...inputs, ...lowered.initializers].map(({ name }) => name);
  checkOutputNames(outputs, new Set(taken));
  const named = Object.entries(outputs).map(([name, value]) => [name, lowered.names.get(value)!]);
  const nodes = nameOutputs(lowered.nodes, Object.fromEntries(named));
  const live = liveParts({ ...lowered, nodes }, outputNames);
  const parts = fold ? liveParts(fuseConvolutions(live, outputNames), outputNames) : live;
  const shaped = Object.entries(outputs).map(([name, value]) => ({ name, shape: shapeOf(value) }));
  return { parts, inputs, outputs: shaped };
}

/** Name of the ONNX output that carries the new value of a tensor. */
export function updateOutput(key: string): string {
  return `update:${key}`;
}

/** Tensors that some node or output reads, in the graph's order. */
export function usedTensors(graph: Graph): string[] {
  const read = new Set([
    ...graph.nodes.flatMap((node) => node.inputs),
    ...Object.values(graph.outputs),
  ]);
  return Object.keys(graph.tensors).filter((key) => read.has(key));
}

/** Graph outputs, and in training the updates: output name -> graph value. */
function outputValues(graph: Graph, mode: Mode): { [name: string]: string } {
  if (mode === "inference") return { ...graph.outputs };
  const updates = Object.entries(graph.updates).map(([key, value]) => [updateOutput(key), value]);
  return { ...graph.outputs, ...Object.fromEntries(updates) };
}

function splitConstants(
  graph: Graph,
  { mode = "inference", tensors, scalars = {} }: ToOnnxOptions,
  fold: boolean,
): FoldedGraph {
  if (fold && tensors && mode === "inference") {
    return foldConstants(graph, typesOf(graph), tensors, scalars);
  }
  if (fold) throw new OnebitError(`${graph.name}: fold needs inference mode and tensors`);
  const given = tensors
    ? usedTensors(graph).map((key) => initializer(graph, key, tensors[key]))
    : [];
  const baked = Object.entries(scalars).map(([name, value]): OnnxTensor => {
    return { name, shape: [], data: Float32Array.of(value) };
  });
  const constants = new Map([...given, ...baked].map((tensor) => [tensor.name, tensor]));
  return { nodes: graph.nodes, constants };
}

function initializer(graph: Graph, key: string, tensor: Tensor | undefined): OnnxTensor {
  const { shape } = graph.tensors[key];
  if (!tensor) throw new OnebitError(`${key}: no value given, shape [${shape}] wanted`);
  if (tensor.data.length !== sizeOf(shape)) {
    throw new OnebitError(`${key}: shape [${shape}] wanted, [${tensor.shape}] given`);
  }
  return { name: key, shape, data: new Float32Array(tensor.data) };
}

function lowerShaped(
  graph: Graph,
  lower: (graph: Graph) => Lowered,
  { mode = "inference", tensors, dynamicBatch }: ToOnnxOptions,
): Shaped {
  if (dynamicBatch ?? (mode === "inference" && tensors !== undefined)) {
    const shaped = lowerForAnyBatch(graph, lower);
    if (typeof shaped !== "string") return shaped;
    if (dynamicBatch) {
      throw new OnebitError(`${graph.name}: its batch size cannot be left open: ${shaped}`);
    }
  }
  const lowered = lower(graph);
  return { lowered, shapeOf: (value) => lowered.types.get(value)!.shape };
}

/** Inputs that are not baked in, then the tensors where they are inputs. */
function modelInputs(
  graph: Graph,
  { tensors, scalars = {} }: ToOnnxOptions,
  shapeOf: Shaped["shapeOf"],
): OnnxValue[] {
  const inputs = graph.inputs.map(({ name }) => name).filter((name) => !(name in scalars));
  const names = tensors ? inputs : [...inputs, ...usedTensors(graph)];
  return names.map((name) => ({ name, shape: shapeOf(name) }));
}
