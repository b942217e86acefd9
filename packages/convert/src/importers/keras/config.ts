import { OnebitError } from "onebit";
import { printable } from "../../readers/text.js";

/** Fields of an object of Keras's JSON. */
export type Fields = { readonly [name: string]: unknown };

/** A layer of a Keras network, its inputs by the names of other layers. */
export interface KerasLayer {
  /** QuantConv2D, without its module. */
  readonly kind: string;
  readonly name: string;
  readonly config: Fields;
  readonly inputs: readonly string[];
}

/** A Keras network as a list of layers: what a layer reads stands somewhere in it. */
export interface KerasNetwork {
  readonly name: string;
  readonly layers: readonly KerasLayer[];
  /** Layer that gives the scores. */
  readonly output: string;
}

/**
 * The network of a `model_config`, Sequential or Functional, of Keras 2 or 3. OnebitError where it holds
 * another network, calls a layer twice, or is something else.
 */
export function kerasNetwork(config: unknown): KerasNetwork {
  const model = object(config, "model_config");
  const kind = String(model.class_name);
  if (kind === "Sequential") return sequential(model.config);
  if (kind === "Functional" || kind === "Model") return functional(object(model.config, kind));
  throw new OnebitError(
    `model_config: the class ${printable(kind)} is code that is not in the file; save a Sequential or Functional model`,
  );
}

function sequential(config: unknown): KerasNetwork {
  const fields = Array.isArray(config) ? { layers: config } : object(config, "Sequential");
  const layers: KerasLayer[] = [];
  for (const item of list(fields.layers, "its layers")) {
    const layer = layerOf(item);
    const previous = layers.at(-1)?.name;
    if (previous === undefined && layer.kind !== "InputLayer") {
      const shape = layer.config.batch_input_shape ?? fields.build_input_shape;
      layers.push({
        kind: "InputLayer",
        name: "input",
        config: { batch_shape: shape },
        inputs: [],
      });
    }
    layers.push({ ...layer, inputs: layer.kind === "InputLayer" ? [] : [layers.at(-1)!.name] });
  }
  const output = layers.at(-1)?.name;
  if (output === undefined) throw new OnebitError("model_config: the network has no layers");
  return { name: nameOf(fields), layers, output };
}

function functional(config: Fields): KerasNetwork {
  const layers = list(config.layers, "its layers").map((item) => {
    const layer = layerOf(item);
    return { ...layer, inputs: inboundOf(layer.name, object(item, "a layer").inbound_nodes) };
  });
  const outputs = endsOf(config.output_layers);
  if (outputs.length !== 1) {
    throw new OnebitError(
      `model_config: the network has ${outputs.length} outputs (${outputs.map(printable).join(", ")}); a classifier has one`,
    );
  }
  return { name: nameOf(config), layers, output: outputs[0] };
}

function layerOf(item: unknown): Omit<KerasLayer, "inputs"> {
  const layer = object(item, "a layer");
  const config = object(layer.config, "a layer's config");
  const name = layer.name ?? config.name;
  if (typeof name !== "string" || typeof layer.class_name !== "string") {
    throw new OnebitError("model_config: a layer has no name or no class");
  }
  // Custom classes are registered as "package>Class".
  return { kind: layer.class_name.split(">").at(-1)!, name, config };
}

/** Keras 2: [[[name, node, tensor, {}], ...]]; Keras 3: [{ args: [tensors], kwargs }]. */
function inboundOf(layer: string, nodes: unknown): string[] {
  const calls = nodes === undefined ? [] : list(nodes, "inbound_nodes");
  if (calls.length === 0) return [];
  if (calls.length > 1) {
    throw new OnebitError(
      `${printable(layer)}: is called ${calls.length} times, with the same weights; onebit's importer takes layers that are called once`,
    );
  }
  const [call] = calls;
  if (Array.isArray(call)) {
    const ends = call.length > 0 && !Array.isArray(call[0]) ? [call] : call;
    return ends.map((end) => endName(end, layer));
  }
  return historiesIn(object(call, "inbound_nodes").args, layer);
}

/** Names of the layers whose tensors stand in a list of arguments. */
function historiesIn(args: unknown, layer: string): string[] {
  if (Array.isArray(args)) return args.flatMap((item) => historiesIn(item, layer));
  if (typeof args !== "object" || args === null) {
    throw new OnebitError(
      `${printable(layer)}: is called with ${JSON.stringify(args)}, not with a layer's output`,
    );
  }
  const { config } = args as Fields;
  return [endName(object(config, "a tensor").keras_history, layer)];
}

function endName(end: unknown, layer: string): string {
  const [name, , tensor = 0] = Array.isArray(end) ? end : [];
  if (typeof name === "string" && tensor === 0) return name;
  throw new OnebitError(
    `${printable(layer)}: reads ${JSON.stringify(end)}, not the one output of a layer`,
  );
}

function endsOf(ends: unknown): string[] {
  const found = list(ends, "output_layers");
  if (typeof found[0] === "string") return [found[0]];
  return found.map((end) => endName(end, "output_layers"));
}

function nameOf({ name }: Fields): string {
  return typeof name === "string" ? printable(name) : "network";
}

export function object(value: unknown, what: string): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw new OnebitError(`model_config: ${what} must be an object`);
}

function list(value: unknown, what: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new OnebitError(`model_config: ${what} must be a list`);
}
