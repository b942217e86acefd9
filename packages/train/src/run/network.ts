import { UsageError } from "onebit";
import type { Graph } from "onebit/graph";
import {
  type Architecture,
  type Form,
  floatModelGraph,
  modelNamed,
  type Switches,
} from "onebit/models";

/**
 * An architecture by name, with its switches and the size of its input where that is not the
 * data's; or a graph of one's own.
 */
export type ModelChoice = string | NamedModel | Graph;

/** An architecture of the catalogue, and what is not its default. */
export type NamedModel = Switches & {
  readonly name: string;
  /** Channels, height, width. */
  readonly input?: readonly [number, number, number];
};

/** How the network of a run is built again. */
export type ModelRecord = Architecture;

export type ModelRecordOptions = Switches & {
  readonly classes: number;
  readonly input: readonly [number, number, number];
  readonly form: Form;
};

export function isGraph(model: ModelChoice): model is Graph {
  return typeof model === "object" && "nodes" in model;
}

export function nameOf(model: ModelChoice): string {
  return typeof model === "string" ? model : model.name;
}

/** Channels, height and width that the network takes; undefined where the data decide. */
export function fixedInput(model: ModelChoice): readonly [number, number, number] | undefined {
  if (typeof model === "string") return undefined;
  if (!isGraph(model)) return model.input;
  const x = model.inputs.find(({ name }) => name === "x");
  if (x?.shape.length !== 4) {
    throw new UsageError(`${model.name}: needs an input "x" of shape [N, C, H, W]`);
  }
  return x.shape.slice(1) as [number, number, number];
}

/** Default input of a named architecture, for data whose images differ in size. */
export function usualInput(model: ModelChoice): readonly [number, number, number] {
  if (isGraph(model)) return fixedInput(model)!;
  return modelNamed(nameOf(model)).input;
}

export function recordOf(
  model: ModelChoice,
  options: Pick<ModelRecordOptions, "classes" | "input" | "form">,
): ModelRecord {
  if (isGraph(model)) return { graph: model };
  if (typeof model === "string") return { name: model, options };
  const { name, ...switches } = model;
  return { name, options: { ...switches, ...options } };
}

/** The network of a run, for a batch size. */
export function buildNetwork(architecture: ModelRecord, batch: number): Graph {
  return floatModelGraph({ architecture }, batch);
}
