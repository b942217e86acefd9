import { OnebitError } from "onebit";
import {
  type Estimator,
  type Graph,
  GraphBuilder,
  rebatch,
  type Shape,
  typesOf,
} from "onebit/graph";
import { type OnnxTarget, toOnnx, usedTensors } from "onebit/onnx";
import { gradientOutput, gradients } from "../gradients/index.js";
import { type Loss, lossName, type NamedValues, parseLoss } from "../losses/index.js";
import { atOnce } from "../own/at-once.js";
import type { CompiledGraph } from "./types.js";

/** What a training graph computes besides the network. */
export interface TrainingGraphOptions {
  /** In words (parseLoss), or a function. Default: cross-entropy. */
  readonly loss?: Loss | string;
  /** What comes with a batch besides images and labels, such as what teachers say: shapes by name. */
  readonly inputs?: { readonly [name: string]: Shape };
  /** What compileTraining lowers for: as the runtime says that trains. Default cpu. */
  readonly target?: OnnxTarget;
  /** Straight-through estimators of the user, by the name that `sign` nodes give. */
  readonly estimators?: { readonly [name: string]: Estimator };
}

/**
 * Forward, loss and backward of a network as one graph: what a training step computes.
 *
 * inputs: those of the network, and of "target" [N, classes] and `inputs` those that the loss asks for.
 * outputs: "loss", "logits" and "grad:<key>" for every parameter that the loss reaches.
 */
export function trainingGraph(
  network: Graph,
  { loss = "cross-entropy", inputs, estimators }: TrainingGraphOptions = {},
): Graph {
  const b = GraphBuilder.from(onlyLogits(network));
  const add = typeof loss === "string" ? parseLoss(loss) : loss;
  const target = b.shape(network.outputs.logits);
  const about = `the loss "${lossName(loss)}"`;
  const value = added(about, () =>
    add(b, outputsOf(network, about), offeredInputs(b, { target, ...inputs }, about)),
  );
  checkScalar(b, value, about);
  b.output("loss", value);
  return gradients(b.build(), { loss: "loss", mode: "training", estimators });
}

/** A fault of the function itself is told as such. */
export function added(about: string, add: () => string): string {
  try {
    return atOnce(add);
  } catch (cause) {
    if (cause instanceof OnebitError) throw cause;
    throw new OnebitError(
      `${about} failed while it was added: ${(cause as Error)?.message ?? cause}`,
      {
        cause,
      },
    );
  }
}

function checkScalar(b: GraphBuilder, value: string, about: string): void {
  if (!b.has(value)) {
    throw new OnebitError(
      `${about} returns "${value}", which is no value of the graph: return what b.op() gave, a scalar`,
    );
  }
  const shape = b.shape(value);
  if (!shape.length) return;
  throw new OnebitError(
    `${about} returns a value of shape [${shape}]: the name of a scalar is wanted, such as b.op("mean", [value])`,
  );
}

export function outputsOf({ name, outputs }: Graph, about: string): NamedValues {
  return namedValues(
    `${about}: ${name} has no output`,
    Object.keys(outputs),
    (output) => outputs[output],
  );
}

/** An input becomes one of the graph when it is asked for. */
function offeredInputs(
  b: GraphBuilder,
  shapes: { readonly [name: string]: Shape },
  about: string,
): NamedValues {
  return namedValues(`${about}: no batch has an input`, Object.keys(shapes), (name) =>
    b.has(name) ? name : b.input(name, shapes[name]),
  );
}

function namedValues(
  missing: string,
  names: readonly string[],
  get: (name: string) => string,
): NamedValues {
  return {
    names,
    get(name) {
      if (names.includes(name)) return get(name);
      throw new OnebitError(`${missing} "${name}"; there are ${names.join(", ")}`);
    },
  };
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

/** What an evaluation computes, and for which backend it is compiled. */
export interface EvaluationGraphOptions extends Pick<TrainingGraphOptions, "target"> {
  /** Names of outputs of the network that are wanted besides "logits". */
  readonly outputs?: readonly string[];
}

/** A network for the engine to evaluate, in batches of so many images. */
export function compileEvaluation(
  network: Graph,
  batch: number,
  { target = "cpu", outputs = [] }: EvaluationGraphOptions = {},
): CompiledGraph {
  const graph = rebatch(onlyLogits(network, outputs), batch);
  const types = typesOf(graph);
  const shapes = outputs.map((name) => [name, types.get(graph.outputs[name])!.shape] as const);
  return {
    ...describe(graph),
    outputs: Object.fromEntries(shapes),
    onnx: toOnnx(graph, { target, mode: "inference" }),
    tensors: usedTensors(graph),
    gradients: [],
    updates: [],
  };
}

/** Feature outputs would be computed and kept for nothing, but for those that are wanted. */
function onlyLogits(graph: Graph, wanted: readonly string[] = []): Graph {
  const { logits } = graph.outputs;
  if (!logits) {
    const known = Object.keys(graph.outputs).join(", ");
    throw new OnebitError(`${graph.name}: has no output "logits" to train (outputs: ${known})`);
  }
  const outputs = wanted.map((name) => [name, graph.outputs[name]] as const);
  return { ...graph, outputs: { ...Object.fromEntries(outputs), logits } };
}

function describe(graph: Graph): Pick<CompiledGraph, "input" | "classes" | "inputs" | "scalars"> {
  const x = graph.inputs.find(({ name }) => name === "x");
  if (!x) throw new OnebitError(`${graph.name}: has no input "x" for the images`);
  const logits = typesOf(graph).get(graph.outputs.logits)!.shape;
  if (logits.length !== 2 || logits[0] !== x.shape[0]) {
    throw new OnebitError(
      `${graph.name}: logits have shape [${logits}], [${x.shape[0]}, classes] is wanted`,
    );
  }
  const others = graph.inputs.filter((input) => input !== x);
  const scalars = others.filter(({ shape }) => !shape.length).map(({ name }) => name);
  const inputs = others.filter(({ shape }) => shape.length);
  return { input: x.shape, classes: logits[1], inputs, scalars };
}
