import type { MicroOp, Register, ValueId } from "../program/types.js";
import { isCombining, type PackNode, type PerChannel } from "./network.js";
import { hasRegister, type Placement } from "./place.js";
import type { TensorPool } from "./tensor-pool.js";

export interface EmitContext {
  readonly placement: Placement;
  readonly pool: TensorPool;
  readonly idOf: (node: PackNode) => ValueId;
  /** Nodes that other steps compute again from their input instead of loading them. */
  readonly recomputed: ReadonlySet<PackNode>;
}

/**
 * Writes the epilogue of one step, from what must be stored backwards: only what a store needs is
 * computed, each register once.
 */
export class StepEmitter {
  readonly ops: MicroOp[] = [];
  /** Nodes computed here, in order. */
  readonly computed = new Set<PackNode>();
  /** Values read, the input of a pass included. */
  readonly reads = new Set<PackNode>();
  /** The value that the accumulator is, in a pass. */
  readonly #accumulator: PackNode | undefined;
  readonly #registers = new Map<string, Register>();

  constructor(
    readonly context: EmitContext,
    readonly step: number,
  ) {
    const { anchor, opener } = context.placement.drafts[step];
    if (anchor) {
      this.computed.add(anchor);
      this.reads.add(anchor.inputs[0]);
    } else {
      this.#accumulator = passInput(opener, context.recomputed);
      this.reads.add(this.#accumulator);
    }
  }

  /** Writes one part of a node's value. */
  write(node: PackNode, partIndex: number): void {
    const { placement, idOf } = this.context;
    const { offset } = placement.partsOf(node)[partIndex];
    const leaf =
      node.op.kind === "concat"
        ? placement.componentsOf(node)[partIndex]
        : { node, part: partIndex };
    this.#cover(node);
    this.#emit(this.#writer(leaf.node, leaf.part, idOf(node), offset));
  }

  /** A concat of concats is one: the inner ones leave no trace of their own. */
  #cover(node: PackNode): void {
    this.computed.add(node);
    if (node.op.kind !== "concat") return;
    for (const input of node.inputs) if (input.op.kind === "concat") this.#cover(input);
  }

  #writer(node: PackNode, part: number, value: ValueId, offset: number): MicroOp {
    if (part >= 0) this.computed.add(node);
    switch (node.op.kind) {
      case "mean":
        if (part < 0) break;
        return ["mean", this.#source(node, part), value, offset];
      case "bits": {
        if (part < 0) break;
        const threshold = this.#vector(node, "threshold", node.op.threshold, part);
        return ["bits", this.#source(node, part), threshold, value, offset, node.op.zero];
      }
      default:
    }
    const register = part < 0 ? this.#operand(node) : this.#register(node, part);
    return ["store", register, value, offset];
  }

  /** The input of a one-input node, at the channels of one part. */
  #source(node: PackNode, part: number): Register {
    const [input] = node.inputs;
    return hasRegister(input) ? this.#register(input, part) : this.#operand(input);
  }

  /** A whole value: computed here, the accumulator, computed again, or loaded. */
  #operand(node: PackNode): Register {
    const { placement, recomputed, idOf } = this.context;
    if (placement.isLocal(node, this.step)) return this.#register(node, 0);
    if (node === this.#accumulator) return 0;
    return this.#once(`${idOf(node)}`, () => {
      if (recomputed.has(node)) {
        this.computed.add(node);
        return this.#map(node, this.#operand(node.inputs[0]));
      }
      this.reads.add(node);
      return this.#emit(["load", idOf(node)]);
    });
  }

  /** One part of a node that is computed in this step. */
  #register(node: PackNode, part: number): Register {
    if (node.op.kind === "concat") {
      const component = this.context.placement.componentsOf(node)[part];
      this.#cover(node);
      if (component.part < 0) return this.#operand(component.node);
      return this.#register(component.node, component.part);
    }
    if (this.context.placement.drafts[this.step].anchor === node) return 0;
    return this.#once(`${this.context.idOf(node)}#${part}`, () => {
      this.computed.add(node);
      if (isCombining(node)) return this.#combine(node);
      return this.#map(node, this.#source(node, part), part);
    });
  }

  /** An element-wise node of several inputs, all of them whole. */
  #combine(node: PackNode): Register {
    return this.#elementWise(
      node,
      node.inputs.map((input) => this.#operand(input)),
    );
  }

  #map(node: PackNode, r: Register, part?: number): Register {
    const { op } = node;
    if (op.kind === "bits") {
      return this.#emit(["sign", r, this.#vector(node, "threshold", op.threshold, part), op.zero]);
    }
    if (op.kind !== "affine") return this.#elementWise(node, [r], part);
    const vector = (label: string, values: PerChannel) => this.#vector(node, label, values, part);
    if (op.scale && op.shift) {
      return this.#emit(["affine", r, vector("scale", op.scale), vector("shift", op.shift)]);
    }
    if (op.scale) return this.#emit(["scale", r, vector("scale", op.scale)]);
    return op.shift ? this.#emit(["shift", r, vector("shift", op.shift)]) : r;
  }

  #elementWise(node: PackNode, registers: readonly Register[], part?: number): Register {
    const { op } = node;
    if (op.kind !== "element-wise") throw new Error(`${node.name}: ${op.kind} is not element-wise`);
    const parameters = op.parameters.map((parameter) =>
      typeof parameter === "number"
        ? parameter
        : this.#vector(node, parameter.label, parameter.values, part),
    );
    return this.#emit([op.op, ...registers, ...parameters] as unknown as MicroOp);
  }

  #vector(node: PackNode, label: string, values: PerChannel, part?: number): string {
    const name = `${node.name}.${label}`;
    const range = part === undefined ? undefined : this.context.placement.partsOf(node)[part];
    const slice = range ? values.subarray(range.offset, range.offset + range.channels) : values;
    return this.context.pool.vector(name, slice);
  }

  #emit(op: MicroOp): Register {
    this.ops.push(op);
    return this.ops.length;
  }

  #once(key: string, compute: () => Register): Register {
    const known = this.#registers.get(key);
    if (known !== undefined) return known;
    const register = compute();
    this.#registers.set(key, register);
    return register;
  }
}

/** What a pass over a value reads: the value, or what it is computed again from. */
export function passInput(opener: PackNode, recomputed: ReadonlySet<PackNode>): PackNode {
  return recomputed.has(opener) ? passInput(opener.inputs[0], recomputed) : opener;
}
