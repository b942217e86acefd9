import { type Summary, summarize } from "onebit/cost";
import { type RealWeights, type Vectors, writeOnebit } from "onebit/file";
import type { Graph } from "onebit/graph";
import { type FloatModel, floatModelGraph } from "onebit/models";
import { type Packed, pack } from "onebit/pack";
import { summarizePacked } from "./packed-summary.js";

export interface PackedModel extends Packed {
  /** The bytes of the .onebit file. */
  readonly file: Uint8Array;
  readonly summary: Summary;
}

export interface PackModelOptions {
  readonly realWeights?: RealWeights;
  readonly vectors?: Vectors;
  readonly zeroWeights?: 1 | -1;
  readonly card?: { readonly [field: string]: unknown };
}

/** Float model to the bytes of a packed one; preprocessing, labels and card go along. */
export async function packModel(
  model: FloatModel,
  { realWeights, vectors, zeroWeights, card }: PackModelOptions = {},
): Promise<PackedModel> {
  const graph = floatModelGraph(model);
  const packed = pack(graph, model.tensors, { zeroWeights });
  const { preprocess, labels } = model;
  const contents = { ...packed, preprocess, labels, card: { ...model.card, ...card } };
  const file = await writeOnebit(contents, { realWeights, vectors });
  return { ...packed, file, summary: countsOf(graph, packed, file.length) };
}

/** The graph of an unpacked network is all floats: its steps tell what is 1-bit. */
function countsOf(graph: Graph, { program }: Packed, bytes: number): Summary {
  const counts = summarize(graph);
  const isUnpacked =
    counts.binaryMacs === 0 && program.steps.some(({ kind }) => kind === "binary-conv");
  return isUnpacked ? summarizePacked(graph, bytes) : counts;
}
