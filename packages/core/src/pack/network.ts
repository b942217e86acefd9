import type { MapShape } from "../program/geometry.js";
import type { ComputingName } from "../program/micro-ops.js";
import type { PadValue, QuantisedTensor, ShuffleStep } from "../program/types.js";

/** One float64 number per channel; rounded to float32 when the program is written. */
export type PerChannel = Float64Array;

/** label: of the tensor that it becomes, after the node's name. */
export interface PackVector {
  readonly label: string;
  readonly values: PerChannel;
}

/** Real weights, and the codes that they come from where the graph quantises them. */
export interface RealWeight {
  readonly data: Float32Array;
  readonly quantised?: QuantisedTensor;
}

export interface Window {
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly paddingEnd?: readonly [number, number];
}

/**
 * What a packed network is made of, between graph and program: constants resolved, batch-norms and
 * biases reduced to per-channel maps of the accumulator.
 *
 *   affine   x * scale[c] + shift[c]; either may be absent, both absent is the identity
 *   bits     +1 where x > threshold[c] (zero = 1: x >= threshold[c]), else -1
 */
export type PackOp =
  | { readonly kind: "input"; readonly vector: boolean }
  | ({
      readonly kind: "binary-conv";
      /** [O, row bytes], see program/types.ts. */
      readonly weight: Uint8Array;
      readonly groups: number;
      readonly padValue: PadValue;
      readonly dilation?: readonly [number, number];
    } & Window)
  | ({
      readonly kind: "conv";
      /** [O, KH, KW, C / groups]. */
      readonly weight: RealWeight;
      readonly groups: number;
    } & Window)
  | { readonly kind: "linear" /** [O, I]. */; readonly weight: RealWeight }
  | ({ readonly kind: "pool"; readonly mode: "max" | "average" } & Window)
  | {
      readonly kind: "quantise";
      readonly bits: number;
      readonly clip: number;
      readonly group: "image" | "channel";
    }
  | { readonly kind: "affine"; readonly scale?: PerChannel; readonly shift?: PerChannel }
  | {
      /** A micro-op; its inputs are the node's, in order. */
      readonly kind: "element-wise";
      readonly op: ComputingName;
      /** Its other operands, in order. */
      readonly parameters: readonly (number | PackVector)[];
    }
  | { readonly kind: "concat" }
  | ({ readonly kind: "shuffle" } & Pick<ShuffleStep, "first" | "dealt" | "whole">)
  | { readonly kind: "mean" }
  | { readonly kind: "bits"; readonly threshold: PerChannel; readonly zero: 1 | -1 };

export type PackKind = PackOp["kind"];

export interface PackNode {
  /** Name of the graph value that this node's value equals. */
  readonly name: string;
  readonly op: PackOp;
  readonly inputs: readonly PackNode[];
  /** [H, W, C]. */
  readonly shape: MapShape;
  /** Graph nodes that it stands for. */
  readonly covers: readonly string[];
}

export interface PackNetwork {
  /** In topological order, the program's input first. */
  readonly nodes: readonly PackNode[];
  readonly outputs: { readonly [name: string]: PackNode };
}

/** Element-wise on several inputs. */
export function isCombining({ op, inputs }: PackNode): boolean {
  return op.kind === "element-wise" && inputs.length > 1;
}

/** Opens a step of its own. */
export function isAnchor({ op }: PackNode): boolean {
  return ["binary-conv", "conv", "linear", "pool", "quantise", "shuffle"].includes(op.kind);
}

/** Whether its value is 1-bit. */
export function isBits({ op, inputs }: PackNode): boolean {
  return op.kind === "bits" || (op.kind === "concat" && inputs.every(isBits));
}

/** Users of every node, in order; a node used twice by one node is listed twice. */
export function usersOf({ nodes }: PackNetwork): Map<PackNode, PackNode[]> {
  const users = new Map<PackNode, PackNode[]>(nodes.map((node) => [node, []]));
  for (const node of nodes) for (const input of node.inputs) users.get(input)!.push(node);
  return users;
}
