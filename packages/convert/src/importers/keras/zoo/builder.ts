import type { Numbers } from "../../described/weights.js";
import type { Fields, KerasLayer } from "../config.js";

/** A network of which files hold the arrays alone. */
export interface ZooNetwork {
  readonly name: string;
  /** Adds its layers in the order in which Larq Zoo's code makes them. */
  readonly build: (zoo: ZooBuilder) => void;
}

/** Adds layers one after another; each gives its name. */
export class ZooBuilder {
  readonly layers: KerasLayer[] = [];
  #last: string;
  #number = 0;

  readonly #waiting: ReadonlyMap<string, string[]>;

  constructor(readonly weights: ReadonlyMap<string, ReadonlyMap<string, Numbers>>) {
    this.#waiting = byKind([...weights].flatMap(([name, { size }]) => (size > 0 ? [name] : [])));
    this.layers.push({ kind: "InputLayer", name: "image", config: image, inputs: [] });
    this.#last = "image";
  }

  get last(): string {
    return this.#last;
  }

  /** Whether every layer with arrays has its place. */
  get isComplete(): boolean {
    return [...this.#waiting.values()].every(({ length }) => length === 0);
  }

  /** A layer that has arrays: the next of the file, which must be of the kind. */
  stored(kind: string, config: Fields, from = this.#last): string {
    return this.named(kind, names[kind], config, from);
  }

  /** The next that has arrays and this name but for its number. */
  named(kind: string, title: string, config: Fields, from = this.#last): string {
    const name = this.#waiting.get(title)?.shift();
    if (name === undefined) throw new Mismatch();
    return this.#add(kind, name, config, [from]);
  }

  /** What stands before `ending` in the only layer that ends so. */
  prefix(ending: string): string {
    const [found, ...others] = [...this.weights.keys()].filter((name) => name.endsWith(ending));
    if (found === undefined || others.length > 0) throw new Mismatch();
    return found.slice(0, -ending.length);
  }

  plain(kind: string, config: Fields = {}, inputs: readonly string[] = [this.#last]): string {
    return this.#add(kind, `${kind.toLowerCase()}.${this.#number++}`, config, inputs);
  }

  #add(kind: string, name: string, config: Fields, inputs: readonly string[]): string {
    this.layers.push({ kind, name, config: { name, ...config }, inputs });
    this.#last = name;
    return name;
  }
}

/** Another network's layers. */
export class Mismatch extends Error {}

const names: { readonly [kind: string]: string } = {
  ...{ Conv2D: "conv2d", QuantConv2D: "quant_conv2d", QuantDense: "quant_dense" },
  ...{ Dense: "dense", BatchNormalization: "batch_normalization" },
  ...{ DepthwiseConv2D: "depthwise_conv2d", QuantDepthwiseConv2D: "quant_depthwise_conv2d" },
};

/** Names by their kind, in the order of their numbers; none is 0. */
function byKind(layers: readonly string[]): Map<string, string[]> {
  const kinds = new Map<string, [number: number, name: string][]>();
  for (const layer of layers) {
    const [, kind, number = "0"] = /^(.*?)(?:_(\d+))?$/.exec(layer)!;
    kinds.set(kind, [...(kinds.get(kind) ?? []), [Number(number), layer]]);
  }
  const sorted = [...kinds].map(
    ([kind, found]) =>
      [kind, found.toSorted((a, b) => a[0] - b[0]).map(([, name]) => name)] as const,
  );
  return new Map(sorted);
}

const image: Fields = { batch_shape: [null, 224, 224, 3] };

export const plainConv = { padding: "same", use_bias: false };
export const norm = (epsilon: number, scale = true) => ({ epsilon, scale });
export const halved = { strides: [2, 2] };

export const quantised = (kernel: string): Fields => ({
  ...{ ...plainConv, input_quantizer: "ste_sign", kernel_quantizer: kernel },
});
