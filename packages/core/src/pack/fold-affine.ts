import {
  type PackNetwork,
  type PackNode,
  type PackOp,
  type PerChannel,
  usersOf,
} from "./network.js";
import { rewrite } from "./rewrite.js";

/**
 * Merges an affine map into the affine map that follows it, where nothing else reads it: bias,
 * batch-norm and ReActNet's weight magnitudes after one convolution become one map.
 *
 *   (x s1 + t1) s2 + t2  =  x (s1 s2) + (t1 s2 + t2)        in float64
 */
export function foldAffine(network: PackNetwork): PackNetwork {
  const users = usersOf(network);
  const outputs = new Set(Object.values(network.outputs));
  const single = (node: PackNode) => users.get(node)!.length === 1 && !outputs.has(node);
  return rewrite(network, (node, inputs) => {
    const [first] = inputs;
    const foldable =
      node.op.kind === "affine" && first.op.kind === "affine" && single(node.inputs[0]);
    if (!foldable) return { ...node, inputs };
    const op = compose(first.op as Affine, node.op as Affine);
    return { ...node, op, inputs: first.inputs, covers: [...first.covers, ...node.covers] };
  });
}

type Affine = Extract<PackOp, { readonly kind: "affine" }>;

function compose(first: Affine, second: Affine): Affine {
  const scale = first.scale && second.scale ? product(first.scale, second.scale) : undefined;
  const moved = first.shift && second.scale ? product(first.shift, second.scale) : first.shift;
  const shift = moved && second.shift ? moved.map((t, c) => t + second.shift![c]) : undefined;
  return {
    kind: "affine",
    scale: scale ?? first.scale ?? second.scale,
    shift: shift ?? moved ?? second.shift,
  };
}

const product = (a: PerChannel, b: PerChannel): PerChannel => a.map((x, c) => x * b[c]);
