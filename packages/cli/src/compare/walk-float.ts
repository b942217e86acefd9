import type { FloatSubject } from "@onebit/train/subjects";
import type { FloatTensor } from "onebit";
import { opNamed, outputNames, type Tensor, typesOf } from "onebit/graph";
import { imageValue, type Trace, type Value } from "./tensors.js";
import type { Walk } from "./walk.js";

const context = { mode: "inference", array: (length: number) => new Float32Array(length) } as const;

/**
 * Evaluates a float network one node at a time, in plain TypeScript, each node from what the other
 * network (the trace) had at that point.
 */
export function walkFloat(
  { graph, tensors, scalars }: FloatSubject,
  names: readonly string[],
  image: FloatTensor,
  trace: Trace,
  walk: Walk,
): void {
  const known = new Map<string, Tensor>(Object.entries(tensors));
  for (const { name, shape } of graph.inputs) {
    const scalar = { shape: [], data: Float32Array.of(scalars[name] ?? 0) };
    known.set(name, shape.length ? image : scalar);
  }
  const compared = new Set(names);
  const readers = lastReaders(graph.nodes);
  const types = typesOf(graph);
  graph.nodes.forEach((node, index) => {
    if (!node.inputs.every((input) => known.has(input))) return;
    const inputs = node.inputs.map((input) => known.get(input)!);
    const results = opNamed(node.op).evaluate(inputs, node.attrs, context);
    outputNames(node).forEach((name, i) => {
      known.set(name, results[i]);
    });
    if (compared.has(node.name)) {
      walk.step = index;
      const own = imageValue(results[0]);
      if (own) compare(node.op, node.name, own, imageValue(inputs[0]));
      force(node.name);
    }
    for (const input of node.inputs) {
      if (readers.get(input) === index && types.get(input)!.shape.length > 1) known.delete(input);
    }
  });

  function compare(op: string, name: string, own: Value, seen: Value | undefined): void {
    const given = trace.values.get(name);
    const margins = { a: seen, b: trace.margins.get(name) };
    if (op === "sign") walk.sign(name, [name], { a: own, b: given }, margins);
    else walk.value(name, "value", [name], own, given);
  }

  function force(name: string): void {
    const given = trace.values.get(name);
    const own = known.get(name)!;
    if (given && given.data.length === own.data.length) {
      known.set(name, { shape: own.shape, data: given.data });
    }
  }
}

/** After it nobody needs the value: large networks would not fit into memory otherwise. */
function lastReaders(nodes: FloatSubject["graph"]["nodes"]): Map<string, number> {
  const last = new Map<string, number>();
  nodes.forEach(({ inputs }, index) => {
    for (const input of inputs) last.set(input, index);
  });
  return last;
}
