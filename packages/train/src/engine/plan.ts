import { OnebitError } from "onebit";
import { type Estimator, type Graph, GraphBuilder, rebatch, typesOf } from "onebit/graph";
import { type OnnxTarget, toOnnx, usedTensors } from "onebit/onnx";
import { gradientOutput, gradients } from "../gradients/index.js";
import { crossEntropy } from "../losses/index.js";
import type { CompiledGraph } from "./types.js";

/** Adds the loss to a graph with logits; returns the loss's value name. */
export type Loss = (b: GraphBuilder, logits: string, target: string) => string;

/** What a training graph computes besides the network. */
export interface TrainingGraphOptions {
  readonly loss?: Loss;
  /** What compileTraining lowers for: as the runtime says that trains. Default cpu. */
  readonly target?: OnnxTarget;
  /** Straight-through estimators of the user, by the name that `sign` nodes give. */
  readonly estimators?: { readonly [name: string]: Estimator };
}

/**
 * Forward, loss and backward of a network as one graph: what a training step computes.
 *
 * inputs: those of the network, and "target" [N, classes]. outputs: "loss", "logits" and
 * "grad:<key>" for every parameter that the loss reaches.
 */
export function trainingGraph(
  network: Graph,
  { loss = crossEntropy, estimators }: TrainingGraphOptions = {},
): Graph {
  const forward = onlyLogits(network);
  const b = GraphBuilder.from(forward);
  const logits = forward.outputs.logits;
  b.output("loss", loss(b, logits, b.input("target", b.shape(logits))));
  return gradients(b.build(), { loss: "loss", mode: "training", estimators });
}

/**
 * Forward and backward pass of a network for the engine to train, at the batch size that it has.
 */
export function compileTraining(network: Graph, options: TrainingGraphOptions = {}): CompiledGraph {
  const graph = trainingGraph(network, options);
  const read = new Set(graph.nodes.flatMap((node) => node.inputs));
  return {
    ...describe(graph),
    onnx: toOnnx(graph, { target: options.target ?? "cpu", mode: "training" }),
    tensors: usedTensors(graph),
    gradients: Object.keys(graph.tensors).filter((key) => gradientOutput(key) in graph.outputs),
    updates: Object.keys(graph.updates).filter((key) => read.has(key)),
  };
}

/** A network for the engine to evaluate, in batches of so many images. */
export function compileEvaluation(
  network: Graph,
  batch: number,
  target: OnnxTarget = "cpu",
): CompiledGraph {
  const graph = rebatch(onlyLogits(network), batch);
  return {
    ...describe(graph),
    onnx: toOnnx(graph, { target, mode: "inference" }),
    tensors: usedTensors(graph),
    gradients: [],
    updates: [],
  };
}

/** Feature outputs would be computed and kept for nothing. */
function onlyLogits(graph: Graph): Graph {
  const { logits } = graph.outputs;
  if (!logits) {
    const known = Object.keys(graph.outputs).join(", ");
    throw new OnebitError(`${graph.name}: has no output "logits" to train (outputs: ${known})`);
  }
  return { ...graph, outputs: { logits } };
}

function describe(graph: Graph): Pick<CompiledGraph, "input" | "classes" | "scalars"> {
  const x = graph.inputs.find(({ name }) => name === "x");
  if (!x) throw new OnebitError(`${graph.name}: has no input "x" for the images`);
  const logits = typesOf(graph).get(graph.outputs.logits)!.shape;
  if (logits.length !== 2 || logits[0] !== x.shape[0]) {
    throw new OnebitError(
      `${graph.name}: logits have shape [${logits}], [${x.shape[0]}, classes] is wanted`,
    );
  }
  const scalars = graph.inputs.filter(({ shape }) => !shape.length).map(({ name }) => name);
  return { input: x.shape, classes: logits[1], scalars };
}
