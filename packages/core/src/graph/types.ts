/**
 * A network is one graph of named ops: plain data with a JSON form. Everything else
 * (cost, evaluation, gradients, ONNX, packing) is a function of it.
 */

export type Shape = readonly number[];
/** Element types of values in a graph; bool is what comparisons give. */
export type DataType = "float32" | "bool";

/** What flows along an edge. Activations are NCHW. */
export interface ValueType {
  readonly shape: Shape;
  readonly dtype: DataType;
}

/** What an attribute of a node can be: plain data. */
export type AttributeValue = number | string | boolean | null | readonly number[];
/** Attributes of a node, by name. */
export type Attributes = { readonly [name: string]: AttributeValue | undefined };

/** One op. Its first output is the value `name`, further ones are `name:label`. */
export interface Node {
  readonly name: string;
  readonly op: string;
  readonly inputs: readonly string[];
  readonly attrs: Attributes;
}

/** How a tensor starts. `fan-in` variants use the tensor's own shape (OIHW or [out, in]). */
export type Init =
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: "normal"; readonly std: number }
  | { readonly kind: "uniform"; readonly low: number; readonly high: number }
  /** PyTorch's default for convolutions and linear layers: U(-b, b), b = 1 / sqrt(fanIn). */
  | { readonly kind: "uniform-fan-in"; readonly fanIn: number };

/**
 * parameter: trained. buffer: state that a training forward pass writes (running statistics).
 * counter: +1 per training forward pass (num_batches_tracked). mirror: holds the value of the
 * scalar input `mirrors` (a temperature), read back from checkpoints. dead: loaded, stored, unused.
 */
export type TensorKind = "parameter" | "buffer" | "counter" | "mirror" | "dead";

/** What a tensor is for: decides published cost classes ("8-4-8" ends) and optimiser groups. */
export type TensorRole = "binary" | "stem" | "classifier" | "gate" | "shortcut" | "norm" | "other";

/** A tensor that a graph has: a parameter, statistics, or what only checkpoints have. */
export interface TensorSpec {
  readonly shape: Shape;
  readonly kind: TensorKind;
  readonly role: TensorRole;
  readonly init: Init;
  /** Name of the scalar input that a mirror follows. */
  readonly mirrors?: string;
}

/** A value that the caller feeds. */
export interface GraphInput {
  readonly name: string;
  /** Empty shape: a scalar such as the temperature. */
  readonly shape: Shape;
}

/** A network as plain data: named ops on named values, differentiable, with a JSON form. */
export interface Graph {
  readonly name: string;
  readonly inputs: readonly GraphInput[];
  /** Keys are the official checkpoint keys wherever an official checkpoint exists. */
  readonly tensors: { readonly [key: string]: TensorSpec };
  /** In topological order. */
  readonly nodes: readonly Node[];
  /** Output name -> value name. */
  readonly outputs: { readonly [name: string]: string };
  /**
   * Tensor key -> value that a training forward pass writes to it (running statistics, clamped
   * latent weights). Differentiation takes that value as the leaf; the optimiser starts from it.
   */
  readonly updates: { readonly [key: string]: string };
}

/** Whether batch statistics or running ones count, and what is clamped. */
export type Mode = "training" | "inference";

/** Numbers of a tensor, in single or double precision. */
export type FloatArray = Float32Array | Float64Array;

/** A dense row-major array; booleans are held as 0 and 1. */
export interface Tensor {
  readonly shape: Shape;
  readonly data: FloatArray;
}

/** Number of elements; 1 for a scalar, whose shape is empty. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((product, dim) => product * dim, 1);
}
