import { outputNames } from "../graph/builder.js";
import type { Graph, Node } from "../graph/types.js";

/** Ops that move or rearrange values without changing them, or make signs of signs. */
const keeping = new Set([
  ...["reshape", "transpose", "slice", "concat", "expand", "detach", "channel-shuffle"],
  ...["replicate-pad", "max-pool", "logic"],
]);

/** Signs among constants that a window may pad them with are such still. */
const keeps = ({ op, attrs }: Node): boolean =>
  keeping.has(op) || (op === "pad" && [-1, 0, 1].includes(attrs.value as number));

/** Ops that runtimes do without touching the data. */
export const views: ReadonlySet<string> = new Set(["reshape", "detach"]);

/** Where values come from. */
export interface Trace {
  /** 1-bit by 1-bit: a binary-conv of signs with binarised weights. */
  isBinaryConv(node: Node): boolean;
  /** Tensors that a value is made of alone (with scalars); undefined where data flows in. */
  tensorsBehind(value: string): readonly string[] | undefined;
}

export function traceOf(graph: Graph): Trace {
  const producers = new Map<string, Node>();
  for (const node of graph.nodes)
    for (const output of outputNames(node)) producers.set(output, node);
  const behind = tensorsBehind(graph);
  const known = new Map<string, boolean>();
  const comesFrom = (op: string, value: string): boolean => {
    const node = producers.get(value);
    if (!node) return false;
    if (node.op === op) return true;
    const key = `${op} ${value}`;
    const found =
      known.get(key) ?? (keeps(node) && node.inputs.every((input) => comesFrom(op, input)));
    known.set(key, found);
    return found;
  };
  return {
    isBinaryConv: ({ op, inputs: [x, w] }) =>
      op === "binary-conv" && comesFrom("sign", x) && comesFrom("binarize-weight", w),
    tensorsBehind: (value) => behind.get(value),
  };
}

function tensorsBehind(graph: Graph): Map<string, readonly string[]> {
  const behind = new Map<string, readonly string[]>();
  for (const { name, shape } of graph.inputs) if (!shape.length) behind.set(name, []);
  for (const key of Object.keys(graph.tensors)) behind.set(key, [key]);
  for (const node of graph.nodes) {
    const sources = node.inputs.map((input) => behind.get(input));
    if (sources.includes(undefined)) continue;
    const keys = [...new Set(sources.flatMap((source) => source ?? []))];
    for (const output of outputNames(node)) behind.set(output, keys);
  }
  return behind;
}
