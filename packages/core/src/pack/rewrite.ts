import type { PackNetwork, PackNode } from "./network.js";

/**
 * A network with every node replaced by f(node, its replaced inputs), without the nodes that no
 * output depends on afterwards. The input always stays.
 */
export function rewrite(
  network: PackNetwork,
  f: (node: PackNode, inputs: readonly PackNode[]) => PackNode,
): PackNetwork {
  const replaced = new Map<PackNode, PackNode>();
  for (const node of network.nodes) {
    replaced.set(
      node,
      f(
        node,
        node.inputs.map((input) => replaced.get(input)!),
      ),
    );
  }
  const outputs = Object.fromEntries(
    Object.entries(network.outputs).map(([name, node]) => [name, replaced.get(node)!]),
  );
  return dropDead({ nodes: [...replaced.values()], outputs });
}

export function dropDead({ nodes, outputs }: PackNetwork): PackNetwork {
  const live = new Set<PackNode>(Object.values(outputs));
  for (const node of [...nodes].reverse()) {
    if (live.has(node)) for (const input of node.inputs) live.add(input);
  }
  return { nodes: nodes.filter((node) => live.has(node) || node.op.kind === "input"), outputs };
}
