import { OnebitError } from "../errors.js";
import { outputNames } from "../graph/builder.js";
import { type Graph, type Mode, sizeOf, type Tensor } from "../graph/types.js";
import { typesOf } from "../graph/types-of.js";
import { opNamed } from "../ops/index.js";
import { Lowering, type OnnxTarget } from "./lowering.js";
import { encodeModel, type OnnxNode, type OnnxTensor } from "./model-proto.js";

const OPSET = 17;

export interface ToOnnxOptions {
  readonly target?: OnnxTarget;
  readonly mode?: Mode;
  /** Weights as initialisers; without them every used tensor becomes an input of the ONNX graph. */
  readonly tensors?: { readonly [key: string]: Tensor };
  /** Values of scalar inputs (temperature) to bake in; the others stay inputs. */
  readonly scalars?: { readonly [name: string]: number };
  readonly metadata?: { readonly [key: string]: string };
}

/** Lowers a graph to an ONNX model (opset 17, standard ops only) and returns its bytes. */
export function toOnnx(
  graph: Graph,
  {
    target = "portable",
    mode = "inference",
    tensors,
    scalars = {},
    metadata = {},
  }: ToOnnxOptions = {},
): Uint8Array {
  const lowering = new Lowering(target, mode);
  const types = typesOf(graph);
  const names = new Map<string, string>();
  const initializers: OnnxTensor[] = [];
  const inputs = graph.inputs.filter(({ name }) => !(name in scalars));
  for (const [name, value] of Object.entries(scalars)) {
    initializers.push({ name, shape: [], data: Float32Array.of(value) });
  }
  for (const { name } of graph.inputs) names.set(name, name);
  const used = usedTensors(graph);
  for (const key of used) {
    names.set(key, key);
    if (tensors) initializers.push(initializer(graph, key, tensors[key]));
  }
  for (const node of graph.nodes) {
    lowering.enter(
      node.name,
      node.inputs.map((input) => names.get(input)!),
      node.inputs.map((input) => types.get(input)!),
      outputNames(node).map((output) => types.get(output)!),
    );
    const lowered = opNamed(node.op).lower(lowering, node.attrs);
    outputNames(node).forEach((name, i) => {
      names.set(name, lowered[i]);
    });
  }
  const outputs = { ...graph.outputs };
  if (mode === "training") {
    for (const [key, value] of Object.entries(graph.updates)) outputs[updateOutput(key)] = value;
  }
  const nodes = nameOutputs(lowering.nodes, outputs, names);
  return encodeModel({
    name: graph.name,
    opset: OPSET,
    nodes: liveNodes(nodes, Object.keys(outputs)),
    initializers: [...initializers, ...lowering.initializers],
    inputs: [
      ...inputs,
      ...(tensors ? [] : [...used].map((key) => ({ name: key, shape: graph.tensors[key].shape }))),
    ],
    outputs: Object.entries(outputs).map(([name, value]) => ({
      name,
      shape: types.get(value)!.shape,
    })),
    metadata,
  });
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

function initializer(graph: Graph, key: string, tensor: Tensor | undefined): OnnxTensor {
  const { shape } = graph.tensors[key];
  if (!tensor) throw new OnebitError(`${key}: no value given, shape [${shape}] wanted`);
  if (tensor.data.length !== sizeOf(shape)) {
    throw new OnebitError(`${key}: shape [${shape}] wanted, [${tensor.shape}] given`);
  }
  return { name: key, shape, data: Float32Array.from(tensor.data) };
}

/** Gives the values behind graph outputs the outputs' names, by renaming or, failing that, Identity. */
function nameOutputs(
  nodes: readonly OnnxNode[],
  outputs: { readonly [name: string]: string },
  names: Map<string, string>,
): OnnxNode[] {
  const computed = new Set(nodes.flatMap((node) => node.outputs));
  const renamed = new Map<string, string>();
  const identities: OnnxNode[] = [];
  for (const [output, value] of Object.entries(outputs)) {
    const produced = names.get(value)!;
    if (renamed.has(produced) || !computed.has(produced)) {
      identities.push(identity(renamed.get(produced) ?? produced, output));
    } else {
      renamed.set(produced, output);
    }
  }
  const rename = (name: string) => renamed.get(name) ?? name;
  const all = nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map(rename),
    outputs: node.outputs.map(rename),
  }));
  return [...all, ...identities];
}

function identity(from: string, to: string): OnnxNode {
  const name = `output/${to}`;
  return { name, opType: "Identity", inputs: [from], outputs: [to], attributes: {} };
}

/** Drops nodes whose results nobody reads. */
function liveNodes(nodes: readonly OnnxNode[], outputs: readonly string[]): OnnxNode[] {
  const wanted = new Set(outputs);
  const live: OnnxNode[] = [];
  for (const node of nodes.toReversed()) {
    if (!node.outputs.some((output) => wanted.has(output))) continue;
    live.push(node);
    for (const input of node.inputs) wanted.add(input);
  }
  return live.reverse();
}
