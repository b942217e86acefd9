import { type OnnxSession, openOnnxSession } from "@onebit/convert";
import type { FloatTensor } from "onebit";
import { type Graph, GraphBuilder, type Tensor } from "onebit/graph";
import { type FloatModel, floatModelGraph, scalarInputs } from "onebit/models";
import { toOnnx } from "onebit/onnx";
import { openFloatModel } from "../models-on-disk.js";
import { type Sum, unscaled, type Visible, visibleNodes } from "./float-values.js";
import type { OpenOptions, Subject, Tracer } from "./subject.js";
import { imageValue, type Trace, type Value } from "./tensors.js";

type Tensors = { readonly [key: string]: Tensor };

export interface FloatSubject extends Subject {
  readonly kind: "float";
  /** For one image. */
  readonly graph: Graph;
  readonly tensors: Tensors;
  readonly scalars: { readonly [name: string]: number };
}

/** A float model or a run, on ONNX Runtime. */
export async function floatSubject(
  path: string,
  { threads, size }: OpenOptions,
): Promise<FloatSubject> {
  const model = await openFloatModel(path);
  const graph = size ? graphAtSize(model, size) : floatModelGraph(model);
  const { tensors } = model;
  const scalars = scalarInputs(graph, tensors);
  const image = graph.inputs.find(({ shape }) => shape.length === 4)!;
  const [, channels, height, width] = image.shape;
  const onnx = (outputs: Graph["outputs"]) => toOnnx({ ...graph, outputs }, { tensors, scalars });
  const session = await openOnnxSession(path, onnx({ logits: graph.outputs.logits }), threads);
  const { nodes, sums } = visibleNodes(graph, tensors, image.name);
  const open = (outputs: Graph["outputs"]) => openOnnxSession(path, onnx(outputs), threads);
  return {
    ...{ kind: "float", path, graph, tensors, scalars, backend: "onnxruntime", notes: [] },
    ...{ input: { channels, height, width }, classes: model.labels.length, labels: model.labels },
    preprocess: model.preprocess,
    run: (images) => runSession(session, image.name, images),
    names: nodes.map(({ name }) => name),
    signs: nodes.filter(({ op }) => op === "sign").map(({ name }) => name),
    tracer: (isWanted) => floatTracer({ nodes, sums, image: image.name }, isWanted, open),
    dispose: () => session.dispose(),
  };
}

async function runSession(session: OnnxSession, input: string, images: FloatTensor) {
  const { logits } = await session.run({ [input]: { type: "float32", ...images } }, ["logits"]);
  return logits;
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

/** One ONNX model with every wanted value as an output. */
async function floatTracer(
  { nodes, sums, image }: Visible & { readonly image: string },
  isWanted: (name: string) => boolean,
  open: (outputs: Graph["outputs"]) => Promise<OnnxSession>,
): Promise<Tracer> {
  const values = nodes.filter(({ name }) => isWanted(name)).map(({ name }) => name);
  const wantedSums = [...sums].filter(([name]) => isWanted(`${name}:sum`));
  const signs = nodes.filter(({ op, name }) => op === "sign" && isWanted(`${name}:before`));
  const needed = new Set([
    ...values,
    ...wantedSums.map(([, { node }]) => node),
    ...signs.map(({ inputs }) => inputs[0]),
  ]);
  // Numbers, because names of values may be names of tensors too.
  const labels = new Map([...needed].map((name, i) => [name, `value ${i}`]));
  const outputs = Object.fromEntries([...labels].map(([name, label]) => [label, name]));
  const session = needed.size ? await open(outputs) : undefined;
  return {
    async trace(input) {
      const found = session
        ? await session.run({ [image]: { type: "float32", ...input } }, [...labels.values()])
        : {};
      const get = (name: string) => imageValue(found[labels.get(name)!]);
      return {
        values: new Map([...entries(values, get), ...sumEntries(wantedSums, get)]),
        margins: new Map(
          signs.flatMap(({ name, inputs }) => {
            const value = get(inputs[0]);
            return value ? [[name, value] as const] : [];
          }),
        ),
      } satisfies Trace;
    },
    dispose: async () => session?.dispose(),
  };
}

function entries(names: readonly string[], get: (name: string) => Value | undefined) {
  return names.flatMap((name): [string, Value][] => {
    const value = get(name);
    return value ? [[name, value]] : [];
  });
}

function sumEntries(
  sums: readonly (readonly [string, Sum])[],
  get: (name: string) => Value | undefined,
) {
  return sums.flatMap(([name, { node, scales }]): [string, Value][] => {
    const value = get(node);
    return value ? [[`${name}:sum`, scales ? unscaled(value, scales) : value]] : [];
  });
}
