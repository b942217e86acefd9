import type { MapShape } from "../program/geometry.js";
import { isAnchor, isBits, isCombining, type PackNetwork, type PackNode } from "./network.js";

/** A range of a node's channels that one step computes. */
export interface Part {
  readonly step: number;
  readonly offset: number;
  readonly channels: number;
}

/** A step to be: an anchor and its accumulator, or a pointwise pass over a value. */
export type StepDraft = { readonly shape: MapShape } & (
  | { readonly anchor: PackNode; readonly opener?: undefined }
  | { readonly anchor?: undefined; readonly opener: PackNode }
);

/** Channels of a concat: part `part` of `node`, or `node` as a pass over it reads it (part -1). */
export interface Component {
  readonly node: PackNode;
  readonly part: number;
}

/**
 * In which steps the nodes are computed. Element-wise nodes join the latest step that holds one of
 * their inputs in a register and can have the others by then; only where there is none does a new
 * pass begin. Per-channel ops pass through a concat: each of its parts is mapped where it is made,
 * so the concatenation itself is nothing but stores at channel offsets.
 */
export class Placement {
  readonly drafts: StepDraft[] = [];
  readonly #parts = new Map<PackNode, readonly Part[]>();
  readonly #components = new Map<PackNode, readonly Component[]>();
  /** Pointwise passes that read a value. */
  readonly #passes = new Map<PackNode, number[]>();

  constructor(network: PackNetwork) {
    for (const node of network.nodes) this.#parts.set(node, this.#place(node));
  }

  partsOf(node: PackNode): readonly Part[] {
    return this.#parts.get(node)!;
  }

  componentsOf(concat: PackNode): readonly Component[] {
    return this.#components.get(concat)!;
  }

  /** The last step that writes a part of it; -1 for the program's input. */
  completedAt(node: PackNode): number {
    return Math.max(-1, ...this.partsOf(node).map(({ step }) => step));
  }

  /** Whether the whole node is computed in a register of that step, or can be: signs, as -1 and +1. */
  isLocal(node: PackNode, step: number): boolean {
    const parts = this.partsOf(node);
    return (
      (hasRegister(node) || node.op.kind === "bits") && parts.length === 1 && parts[0].step === step
    );
  }

  #place(node: PackNode): readonly Part[] {
    if (node.op.kind === "input") return [];
    if (isAnchor(node)) return [this.#open(node.shape, { anchor: node })];
    if (node.op.kind === "concat") return this.#placeConcat(node);
    if (isCombining(node)) return [this.#placeCombining(node)];
    return this.#registers(node.inputs[0]);
  }

  /** The parts in which a value can be had as a register; a new pass where there are none. */
  #registers(node: PackNode): readonly Part[] {
    if (hasRegister(node)) return this.partsOf(node);
    const [pass] = this.#passes.get(node) ?? [];
    if (pass !== undefined) return [whole(pass, node)];
    return [this.#openPass(node)];
  }

  #placeConcat(node: PackNode): readonly Part[] {
    const parts: Part[] = [];
    const components: Component[] = [];
    let start = 0;
    for (const input of node.inputs) {
      const direct = hasRegister(input) || isBits(node);
      const inner = direct ? this.partsOf(input) : this.#registers(input);
      inner.forEach((part, i) => {
        parts.push({ ...part, offset: start + part.offset });
        const nested = direct ? this.#components.get(input) : undefined;
        components.push(nested?.[i] ?? { node: input, part: direct ? i : -1 });
      });
      start += input.shape[2];
    }
    this.#components.set(node, components);
    return parts;
  }

  #placeCombining(node: PackNode): Part {
    const sameSize = node.inputs.filter((input) => input.shape.join() === node.shape.join());
    const candidates = sameSize.flatMap((input) => [
      ...(input.op.kind === "input" ? [] : this.partsOf(input).map(({ step }) => step)),
      ...(this.#passes.get(input) ?? []),
    ]);
    const fitting = candidates.filter((step) =>
      node.inputs.every((input) => this.#isAvailable(input, step)),
    );
    if (fitting.length) return whole(Math.max(...fitting), node);
    return this.#openPass(sameSize[0]);
  }

  #isAvailable(node: PackNode, step: number): boolean {
    return this.completedAt(node) < step || this.isLocal(node, step);
  }

  #openPass(opener: PackNode): Part {
    const part = this.#open(opener.shape, { opener });
    this.#passes.set(opener, [...(this.#passes.get(opener) ?? []), part.step]);
    return part;
  }

  #open(shape: MapShape, head: { anchor: PackNode } | { opener: PackNode }): Part {
    this.drafts.push({ shape, ...head });
    return { step: this.drafts.length - 1, offset: 0, channels: shape[2] };
  }
}

const whole = (step: number, { shape }: PackNode): Part => ({
  step,
  offset: 0,
  channels: shape[2],
});

/** Whether its value passes through registers: not the input, bits or means, which are only stored. */
export function hasRegister(node: PackNode): boolean {
  return node.op.kind !== "input" && node.op.kind !== "mean" && !isBits(node);
}
