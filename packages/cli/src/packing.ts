import { type Summary, summarize } from "onebit/cost";
import { type RealWeights, writeOnebit } from "onebit/file";
import { type FloatModel, floatModelGraph } from "onebit/models";
import { writeFileAtomic } from "onebit/node";
import { type Packed, pack } from "onebit/pack";

export interface PackedModel extends Packed {
  /** The bytes of the .onebit file. */
  readonly file: Uint8Array;
  readonly summary: Summary;
}

export interface PackModelOptions {
  readonly realWeights?: RealWeights;
  readonly zeroWeights?: 1 | -1;
  readonly card?: { readonly [field: string]: unknown };
}

/** Float model to the bytes of a packed one; preprocessing, labels and card go along. */
export async function packModel(
  model: FloatModel,
  { realWeights, zeroWeights, card }: PackModelOptions = {},
): Promise<PackedModel> {
  const graph = floatModelGraph(model);
  const packed = pack(graph, model.tensors, { zeroWeights });
  const { preprocess, labels } = model;
  const contents = { ...packed, preprocess, labels, card: { ...model.card, ...card } };
  const file = await writeOnebit(contents, { realWeights });
  return { ...packed, file, summary: summarize(graph) };
}

export async function writePacked(path: string, file: Uint8Array): Promise<void> {
  await writeFileAtomic(path, file);
}
