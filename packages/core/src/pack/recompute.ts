import { isAnchor, type PackNetwork, type PackNode, usersOf } from "./network.js";

/** Steps that may compute one value again; more, and storing it is cheaper. */
const MAX_READERS = 2;

/**
 * Values that need not be stored: cheap per-channel maps of a value that is stored anyway, read only
 * by element-wise ops of other steps, which compute them again. BNext's activated shortcut is one:
 * its input is also mixed in. A pass less over memory, and the same bits.
 */
export function recomputable(
  network: PackNetwork,
  readers: ReadonlyMap<PackNode, ReadonlySet<number>>,
): Set<PackNode> {
  const users = usersOf(network);
  const outputs = new Set(Object.values(network.outputs));
  const stored = new Set(readers.keys());
  const recomputed = new Set<PackNode>();
  for (const node of network.nodes) {
    const few = (readers.get(node)?.size ?? 0) <= MAX_READERS;
    const read = users.get(node)!;
    if (!stored.has(node) || !few || outputs.has(node) || read.some(isAnchor)) continue;
    const chain = chainToStored(node, stored);
    if (!chain) continue;
    for (const link of chain) recomputed.add(link);
    stored.delete(node);
  }
  return recomputed;
}

/** The maps from a stored value to this one, this one included. */
function chainToStored(node: PackNode, stored: ReadonlySet<PackNode>): PackNode[] | undefined {
  const chain: PackNode[] = [];
  let at = node;
  do {
    if (!isCheap(at)) return undefined;
    chain.push(at);
    [at] = at.inputs;
  } while (!stored.has(at) && at.op.kind !== "input");
  return chain;
}

function isCheap({ op }: PackNode): boolean {
  if (op.kind === "affine") return true;
  return op.kind === "element-wise" && ["prelu", "relu", "clamp"].includes(op.op);
}
