import { type Layer, show } from "./layer.js";

/**
 * What a quantiser of Larq does in inference; estimators of its gradient make no difference there. sign: +1
 * where x >= 0, else -1. scaled: signs times the mean size of the weights of each output.
 */
export type Quantiser = "none" | "sign" | "scaled" | "signs already";

/** By Larq's names of functions and classes; XNOR-Net's is Larq Zoo's. */
const quantisers: { readonly [name: string]: Quantiser } = {
  ste_sign: "sign",
  SteSign: "sign",
  approx_sign: "sign",
  ApproxSign: "sign",
  swish_sign: "sign",
  SwishSign: "sign",
  magnitude_aware_sign: "scaled",
  MagnitudeAwareSign: "scaled",
  xnor_weight_scale: "scaled",
  NoOp: "signs already",
  NoOpQuantizer: "signs already",
};

/** Those that are known and are not of 1 bit. */
const others: { readonly [name: string]: string } = {
  ste_tern: "is ternary",
  SteTern: "is ternary",
  ste_heaviside: "gives 0 and 1",
  SteHeaviside: "gives 0 and 1",
  dorefa_quantizer: "is of several bits",
  DoReFaQuantizer: "is of several bits",
  DoReFa: "is of several bits",
};

/** The quantiser of a field such as kernel_quantizer: a name, or a class with its configuration. */
export function quantiserOf(layer: Layer, field: string): Quantiser {
  const given = layer.config[field];
  if (given === undefined || given === null) return "none";
  const name = quantiserName(given);
  if (name !== undefined && Object.hasOwn(quantisers, name)) return quantisers[name];
  const known = Object.keys(quantisers).join(", ");
  if (name !== undefined && Object.hasOwn(others, name)) {
    throw layer.error(`its ${field} ${name} ${others[name]}; onebit packs signs: ${known}`);
  }
  throw layer.error(
    `its ${field} is ${show(name ?? given)}, which only the code that trained it knows; these are known: ${known}`,
  );
}

/** The name of a quantiser or activation that is given by name, or as an object of a class. */
export function quantiserName(given: unknown): string | undefined {
  if (typeof given === "string") return plain(given);
  if (typeof given !== "object" || given === null) return undefined;
  const { class_name: kind, config } = given as { class_name?: unknown; config?: unknown };
  if (kind === "function" && typeof config === "string") return plain(config);
  return typeof kind === "string" ? plain(kind) : undefined;
}

/** Without its package: "Larq>SteSign". */
const plain = (name: string) => name.replace(/^\w+>/, "");

export const isSignName = (name: string): boolean => quantisers[name] === "sign";
