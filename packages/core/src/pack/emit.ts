import { prune } from "../program/passes/prune.js";
import type { Program, ProgramTensors, ProgramValue, Step } from "../program/types.js";
import { StepEmitter } from "./emit-step.js";
import { isBits, type PackNetwork, type PackNode, type Window } from "./network.js";
import type { Placement } from "./place.js";
import { TensorPool } from "./tensor-pool.js";

export interface Emitted {
  readonly program: Program;
  readonly tensors: ProgramTensors;
  /** Nodes whose values are stored, and the steps that read each. */
  readonly readers: ReadonlyMap<PackNode, ReadonlySet<number>>;
}

/**
 * Writes the steps from the last to the first: by the time a step is written, everything that later
 * steps read of it is known, and nothing else is stored.
 */
export function emit(
  network: PackNetwork,
  placement: Placement,
  recomputed: ReadonlySet<PackNode> = new Set(),
): Emitted {
  const ids = new Map(network.nodes.map((node, id) => [node, id]));
  const idOf = (node: PackNode) => ids.get(node)!;
  const pool = new TensorPool();
  const context = { placement, pool, idOf, recomputed };
  const readers = new Map<PackNode, Set<number>>();
  for (const node of Object.values(network.outputs)) readers.set(node, new Set());
  const emitters: StepEmitter[] = [];
  for (let step = placement.drafts.length - 1; step >= 0; step--) {
    const emitter = new StepEmitter(context, step);
    for (const node of network.nodes) {
      if (!readers.has(node)) continue;
      placement.partsOf(node).forEach((part, i) => {
        if (part.step === step) emitter.write(node, i);
      });
    }
    if (emitter.ops.length === 0) continue;
    emitters.unshift(emitter);
    for (const node of emitter.reads) {
      const steps = readers.get(node);
      if (steps) steps.add(step);
      else readers.set(node, new Set([step]));
    }
  }
  const covered = new Set<string>();
  const outputs = Object.entries(network.outputs).map(([name, node]) => [name, idOf(node)]);
  const program: Program = {
    values: network.nodes.map(programValue),
    input: idOf(network.nodes[0]),
    steps: emitters.map((emitter) => programStep(emitter, covered)),
    outputs: Object.fromEntries(outputs),
  };
  const compacted = prune(program, Object.keys(program.outputs));
  return { program: compacted, tensors: pool.tensors, readers };
}

function programValue(node: PackNode): ProgramValue {
  const { name, shape } = node;
  if (node.op.kind === "input") return { name, kind: node.op.vector ? "vector" : "map", shape };
  if (isBits(node)) return { name, kind: "bits", shape };
  return { name, kind: shape[0] * shape[1] === 1 ? "vector" : "map", shape };
}

function programStep(emitter: StepEmitter, covered: Set<string>): Step {
  const { placement, pool, idOf } = emitter.context;
  const { anchor } = placement.drafts[emitter.step];
  const names = [...emitter.computed].flatMap(({ covers }) => covers);
  const covers = [...new Set(names)].filter((name) => !covered.has(name));
  for (const name of covers) covered.add(name);
  const [first] = emitter.reads;
  const base = { covers, input: idOf(first), epilogue: emitter.ops };
  if (!anchor) return { kind: "pointwise", ...base };
  return anchorStep(anchor, base, pool);
}

function anchorStep(
  { name, op, shape, inputs }: PackNode,
  base: Pick<Step, "covers" | "input" | "epilogue">,
  pool: TensorPool,
): Step {
  const out = shape[2];
  const [channels] = inputs.map((input) => input.shape[2]);
  const key = `${name.split(":")[0]}.weight`;
  switch (op.kind) {
    case "quantise": {
      const { bits, clip, group } = op;
      return { kind: "quantise", ...base, bits, clip, group };
    }
    case "pool": {
      return { kind: "pool", ...base, mode: op.mode, ...windowOf(op) };
    }
    case "linear": {
      const weight = pool.add(key, { type: "float32", shape: [out, channels], ...op.weight });
      return { kind: "linear", ...base, weight, out };
    }
    case "conv": {
      const { kernel, groups } = op;
      const dims = [out, ...kernel, channels / groups];
      const weight = pool.add(key, { type: "float32", shape: dims, ...op.weight });
      return { kind: "conv", ...base, weight, out, ...windowOf(op), groups };
    }
    case "binary-conv": {
      const { groups, padValue, dilation, weight: data } = op;
      const weight = pool.add(key, { type: "bits", shape: [out, data.length / out], data });
      const window = { ...windowOf(op), groups, padValue, ...(dilation && { dilation }) };
      return { kind: "binary-conv", ...base, weight, out, ...window };
    }
    case "shuffle": {
      const { first, dealt, whole } = op;
      return { kind: "shuffle", ...base, out, first, dealt, whole };
    }
    default:
      throw new Error(`${name}: ${op.kind} does not open a step`);
  }
}

function windowOf({ kernel, stride, padding, paddingEnd }: Window): Window {
  return { kernel, stride, padding, ...(paddingEnd && { paddingEnd }) };
}
