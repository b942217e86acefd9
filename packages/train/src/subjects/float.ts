import { type OnnxSession, openOnnxSession } from "@onebit/convert";
import type { TensorInfo } from "onebit";
import { type Graph, GraphBuilder, type Tensor, typesOf } from "onebit/graph";
import { type FloatModel, floatModelGraph, scalarInputs } from "onebit/models";
import { toOnnx } from "onebit/onnx";
import { unfinishedNotes } from "../run/unfinished.js";
import { openFloatModel } from "./files.js";
import type { Subject, SubjectOptions } from "./subject.js";

/** A float model or a run, with its graph. */
export interface FloatSubject extends Subject {
  readonly kind: "float";
  /** For one image. */
  readonly graph: Graph;
  readonly tensors: { readonly [key: string]: Tensor };
  readonly scalars: { readonly [name: string]: number };
  /** The input that is no scalar. */
  readonly inputName: string;
  /** The same network with other values as outputs. */
  session(outputs: Graph["outputs"]): Promise<OnnxSession>;
}

/** A float model or a run, on ONNX Runtime. */
export async function floatSubject(
  path: string,
  { threads, size }: SubjectOptions,
): Promise<FloatSubject> {
  const model = await openFloatModel(path);
  const graph = size ? graphAtSize(model, size) : floatModelGraph(model);
  const { tensors, labels, preprocess } = model;
  const scalars = scalarInputs(graph, tensors);
  const { name: inputName, shape } = graph.inputs.find((input) => input.shape.length > 0)!;
  const session = (outputs: Graph["outputs"]) =>
    openOnnxSession(path, toOnnx({ ...graph, outputs }, { tensors, scalars }), threads);
  const outputs = outputsOf(graph);
  const isClassifier = outputs.logits?.kind === "vector";
  const usual = isClassifier ? ["logits"] : Object.keys(outputs);
  const opened = new Map<string, Promise<OnnxSession>>();
  const sessionFor = (names: readonly string[]) => {
    const key = JSON.stringify(names);
    const wanted = Object.fromEntries(names.map((name) => [name, graph.outputs[name]]));
    if (!opened.has(key)) opened.set(key, session(wanted));
    return opened.get(key)!;
  };
  await sessionFor(usual);
  return {
    ...{ kind: "float", path, backend: "onnxruntime", threads },
    notes: await unfinishedNotes(path, model),
    ...{ graph, tensors, scalars, inputName, session, outputs, preprocess },
    input: infoOf(shape),
    scores: isClassifier ? { classes: outputs.logits.shape[0], labels } : undefined,
    run: async (batch, names = usual) => {
      const feeds = { [inputName]: { type: "float32", ...batch } } as const;
      return (await sessionFor(names)).run(feeds, names);
    },
    dispose: async () => {
      for (const one of opened.values()) await (await one).dispose();
    },
  };
}

/** Of one image. */
function outputsOf(graph: Graph): { [name: string]: TensorInfo } {
  const types = typesOf(graph);
  const infos = Object.entries(graph.outputs).map(([name, value]) => [
    name,
    infoOf(types.get(value)!.shape),
  ]);
  return Object.fromEntries(infos);
}

function infoOf([, ...shape]: readonly number[]): TensorInfo {
  return { kind: shape.length === 3 ? "map" : "vector", shape };
}

/** The same network for images of another size. */
function graphAtSize(model: FloatModel, size: readonly [number, number]): Graph {
  const { architecture } = model;
  const graph = floatModelGraph(model);
  const inputs = graph.inputs.map(({ name, shape }) => ({
    name,
    shape: shape.length === 4 ? [1, shape[1], ...size] : shape,
  }));
  if ("graph" in architecture) return GraphBuilder.from({ ...graph, inputs }).build();
  const input = inputs.find(({ shape }) => shape.length === 4)!.shape.slice(1);
  const options = { ...architecture.options, input: input as [number, number, number] };
  return floatModelGraph({ architecture: { ...architecture, options } });
}
