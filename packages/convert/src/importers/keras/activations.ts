import type { Value } from "../described/values.js";
import { type Layer, show } from "./layer.js";
import { isSignName, quantiserName } from "./quantisers.js";

type Activation = (layer: Layer, x: Value, name: string) => Value;

const clamp =
  (low: number, high: number): Activation =>
  ({ net }, x, name) =>
    net.clamp(x, low, high, name);

const activations: { readonly [name: string]: Activation } = {
  linear: (_, x) => x,
  relu: ({ net }, x, name) => net.unary("relu", x, {}, name),
  relu6: clamp(0, 6),
  hard_tanh: clamp(-1, 1),
  sigmoid: ({ net }, x, name) => net.unary("sigmoid", x, {}, name),
  hard_sigmoid: hardSigmoid,
  tanh({ net }, x, name) {
    const doubled = net.scalar("mul", x, 2, `${name}.doubled`);
    const sigmoid = net.unary("sigmoid", doubled, {}, `${name}.sigmoid`);
    return net.scalar("add", net.scalar("mul", sigmoid, 2, `${name}.wide`), -1, name);
  },
  swish: gated("sigmoid"),
  silu: gated("sigmoid"),
  hard_swish: gated("hard-sigmoid"),
  hard_silu: gated("hard-sigmoid"),
  softmax(layer, x) {
    layer.expect(
      layer.isLast,
      "its softmax stands within the network; it can be had at its end only",
    );
    return layer.net.beforeSoftmax(x);
  },
};

function gated(op: "sigmoid" | "hard-sigmoid"): Activation {
  return ({ net }, x, name) => net.combine("mul", [x, net.unary(op, x, {}, `${name}.gate`)], name);
}

/** Keras 2: clip(0.2 x + 0.5, 0, 1); Keras 3: relu6(x + 3) / 6. */
function hardSigmoid({ net, version }: Layer, x: Value, name: string): Value {
  if (version >= 3) return net.unary("hard-sigmoid", x, {}, name);
  const scaled = net.scalar("mul", x, 0.2, `${name}.scaled`);
  return net.clamp(net.scalar("add", scaled, 0.5, `${name}.shifted`), 0, 1, name);
}

/** Whether a layer's own activation changes anything: its sum has another name then. */
export function hasActivation({ config }: Layer): boolean {
  const name = quantiserName(config.activation ?? "linear");
  return name !== "linear" && name !== "softmax";
}

/** What an `activation` makes of a value: a function by name, or one of Larq's sign quantisers. */
export function activated(layer: Layer, x: Value, name: string): Value {
  const given = layer.config.activation ?? "linear";
  const activation = quantiserName(given);
  if (activation !== undefined && isSignName(activation)) return layer.net.signs(x, name);
  if (activation === undefined || !Object.hasOwn(activations, activation)) {
    const known = Object.keys(activations).join(", ");
    throw layer.error(`its activation is ${show(given)}; these are known: ${known}`);
  }
  return activations[activation](layer, x, name);
}
