import { basename } from "node:path";
import { openOnnxSession } from "@onebit/convert";
import type { FloatTensor } from "onebit";
import { type Graph, typesOf } from "onebit/graph";
import type { Preprocess } from "onebit/image";
import { floatModelGraph, scalarInputs } from "onebit/models";
import { toOnnx } from "onebit/onnx";
import { unpack } from "onebit/pack";
import { withMaps } from "onebit/program";
import type { Tensors } from "../run/float-model.js";
import { unfinishedNotes } from "../run/unfinished.js";
import { modelKind, openFloatModel, openPacked } from "../subjects/index.js";

/** A network whose values can be looked at: a float model, a run, or a packed file, unpacked. */
export interface PicturedNetwork {
  readonly kind: "float" | "packed";
  readonly graph: Graph;
  readonly tensors: Tensors;
  readonly preprocess?: Preprocess;
  readonly notes: readonly string[];
}

/** UsageError for a file that says nothing of its layers. */
export async function openPictured(path: string): Promise<PicturedNetwork> {
  const kind = await modelKind(path, "unpackable");
  if (kind === "packed") {
    const { program, tensors, preprocess } = await openPacked(path);
    const whole = unpack(withMaps(program, "float32"), tensors, basename(path));
    return { kind, ...whole, preprocess, notes: [] };
  }
  const model = await openFloatModel(path);
  const { tensors, preprocess } = model;
  const notes = await unfinishedNotes(path, model);
  return { kind: "float", graph: floatModelGraph(model), tensors, preprocess, notes };
}

/** Values inside a network, by name. */
export interface Values {
  /** Of one image [1, C, H, W]. */
  of(image: FloatTensor): Promise<ReadonlyMap<string, Float32Array>>;
  dispose(): Promise<void>;
}

/** Values that are wanted of a network, on ONNX Runtime. Dispose of it. */
export async function openValues(
  path: string,
  { graph, tensors }: PicturedNetwork,
  wanted: readonly string[],
  threads: number,
): Promise<Values> {
  const outputs = Object.fromEntries(wanted.map((value, i) => [`value-${i}`, value]));
  const scalars = scalarInputs(graph, tensors);
  const onnx = toOnnx({ ...graph, outputs, updates: {} }, { tensors, scalars });
  const session = await openOnnxSession(path, onnx, threads);
  const { name: input } = graph.inputs.find(({ shape }) => shape.length > 0)!;
  return {
    async of(image) {
      const feeds = { [input]: { type: "float32", ...image } } as const;
      const found = await session.run(feeds, Object.keys(outputs));
      return new Map(Object.entries(outputs).map(([name, value]) => [value, found[name].data]));
    },
    dispose: () => session.dispose(),
  };
}

/** [C, H, W] of a value that is a map; undefined of any other. */
export function mapShape(graph: Graph, value: string): [number, number, number] | undefined {
  const { shape } = typesOf(graph).get(value)!;
  const [, channels, height = 1, width = 1] = shape;
  return shape.length === 4 && height * width > 1 ? [channels, height, width] : undefined;
}
