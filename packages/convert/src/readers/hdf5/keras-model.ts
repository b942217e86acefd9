import { OnebitError } from "onebit";
import { printable } from "../text.js";
import type { Hdf5Object } from "./object.js";

/** What a Keras HDF5 file says of its network, and which arrays are whose. */
export interface KerasModel {
  /** model.save(): the network, as Keras's JSON; undefined in files of save_weights(). */
  readonly config: unknown;
  /** Of Keras. */
  readonly version: string | undefined;
  /** In the order of the network. */
  readonly layers: readonly KerasWeights[];
}

/** The arrays of a layer. */
export interface KerasWeights {
  readonly layer: string;
  /** Each by its own name ("kernel") and its path in the file ("model_weights/conv2d/conv2d/kernel:0"). */
  readonly arrays: readonly { readonly name: string; readonly path: string }[];
}

/** A configuration is as long as the network has layers: ten thousand of them take less. */
const maxConfig = 2 ** 25;

/** objects: of the whole file, by path. */
export function kerasModel(root: Hdf5Object, objects: ReadonlyMap<string, Hdf5Object>): KerasModel {
  const place = objects.has("model_weights") ? "model_weights" : "";
  const group = objects.get(place)!;
  const layers = textsOf(group, "layer_names").map((layer) => weightsOf(objects, place, layer));
  return { config: configOf(root), version: textOf(root, "keras_version"), layers };
}

function weightsOf(
  objects: ReadonlyMap<string, Hdf5Object>,
  root: string,
  layer: string,
): KerasWeights {
  const place = [root, layer].filter((part) => part !== "").join("/");
  const group = objects.get(place);
  if (!group?.members) {
    throw new OnebitError(`${printable(place)}: layer_names names it, and there is no such group`);
  }
  const arrays = textsOf(group, "weight_names").map((name) => {
    const plain = name.replace(/:\d+$/, "").split("/").at(-1) ?? name;
    return { name: plain, path: `${place}/${name}` };
  });
  return { layer, arrays };
}

function configOf(root: Hdf5Object): unknown {
  const json = textOf(root, "model_config");
  if (json === undefined) return undefined;
  if (json.length > maxConfig) throw new OnebitError("model_config: is too long for a network");
  try {
    return JSON.parse(json);
  } catch (error) {
    throw new OnebitError(`model_config: not JSON (${printable((error as Error).message)})`);
  }
}

const textOf = ({ texts }: Hdf5Object, name: string): string | undefined => texts.get(name)?.[0];

/** A list of names; Keras cuts long ones into name0, name1, ... */
function textsOf({ texts }: Hdf5Object, name: string): readonly string[] {
  const whole = texts.get(name);
  if (whole) return whole;
  const found: string[] = [];
  for (let i = 0; texts.has(`${name}${i}`); i++) found.push(...texts.get(`${name}${i}`)!);
  return found;
}
