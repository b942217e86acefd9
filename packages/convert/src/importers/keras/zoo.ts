import type { Numbers } from "../described/weights.js";
import type { Fields, KerasLayer, KerasNetwork } from "./config.js";

/**
 * Larq Zoo's networks, of which files of save_weights() hold arrays by layers and nothing else: told by how many
 * layers of each kind there are. Layer names are Keras's own ("quant_conv2d_3"): the kind, and a number that
 * counts in the order in which the network's code makes them, from wherever the run began. The file's order is
 * another one.
 *
 * Source: larq/zoo, larq_zoo/literature (birealnet, binary_alex_net, xnornet, resnet_e, densenet), at the
 * revisions of January 2021.
 */
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

  constructor(
    readonly weights: ReadonlyMap<string, ReadonlyMap<string, Numbers>>,
    image: Fields,
  ) {
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
    const name = this.#waiting.get(names[kind])?.shift();
    if (name === undefined) throw new Mismatch();
    const arrays = this.weights.get(name)!;
    const kernel = arrays.get("kernel")?.shape;
    const size = kernel?.length === 4 ? { kernel_size: kernel.slice(0, 2) } : {};
    return this.#add(kind, name, { ...size, ...config }, [from]);
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
class Mismatch extends Error {}

const names: { readonly [kind: string]: string } = {
  ...{ Conv2D: "conv2d", QuantConv2D: "quant_conv2d", QuantDense: "quant_dense" },
  ...{ Dense: "dense", BatchNormalization: "batch_normalization" },
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
const plainConv = { padding: "same", use_bias: false };
const norm = (epsilon: number, scale = true) => ({ epsilon, scale });
const halved = { strides: [2, 2] };

const quantised = (kernel: string): Fields => ({
  ...{ ...plainConv, input_quantizer: "ste_sign", kernel_quantizer: kernel },
});

/** Four stages whose binary convolutions each have a shortcut, which halves where channels double. */
function residual(zoo: ZooBuilder, blocks: number, kernel: string, epsilon: number): void {
  for (let i = 0; i < blocks; i++) {
    const before = zoo.last;
    // Where channels double, the shortcut's convolution is built first.
    const doubles = i > 0 && i % (blocks / 4) === 0;
    let shortcut = before;
    if (doubles) {
      zoo.plain("AveragePooling2D", { pool_size: 2, padding: "same" });
      zoo.stored("Conv2D", plainConv);
      shortcut = zoo.stored("BatchNormalization", norm(epsilon));
    }
    zoo.stored("QuantConv2D", { ...quantised(kernel), ...(doubles && halved) }, before);
    const main = zoo.stored("BatchNormalization", norm(epsilon));
    zoo.plain("Add", {}, [main, shortcut]);
  }
}

const zoo: readonly ZooNetwork[] = [
  {
    name: "Bi-Real Net",
    build(z) {
      z.stored("Conv2D", { ...plainConv, ...halved });
      z.stored("BatchNormalization", norm(1e-3));
      z.plain("MaxPooling2D", { pool_size: 3, ...halved, padding: "same" });
      residual(z, 16, "magnitude_aware_sign", 1e-3);
      z.plain("GlobalAveragePooling2D");
      z.stored("Dense", {});
    },
  },
  {
    name: "BinaryResNetE-18",
    build(z) {
      z.stored("Conv2D", { ...plainConv, ...halved });
      z.stored("BatchNormalization", norm(1e-5));
      z.plain("ReLU");
      z.plain("MaxPooling2D", { pool_size: 3, ...halved, padding: "same" });
      z.stored("BatchNormalization", norm(1e-5));
      residual(z, 16, "ste_sign", 1e-5);
      z.plain("ReLU");
      z.plain("GlobalAveragePooling2D");
      z.stored("Dense", {});
    },
  },
  {
    name: "XNOR-Net",
    build(z) {
      const pool = { pool_size: 3, ...halved };
      z.stored("Conv2D", { ...plainConv, strides: [4, 4] });
      z.stored("BatchNormalization", norm(1e-5, false));
      z.plain("ReLU");
      z.plain("MaxPooling2D", pool);
      z.stored("BatchNormalization", norm(1e-4, false));
      for (const [pooled, padding] of [
        [true, "same"],
        [false, "same"],
        [false, "same"],
        [true, "same"],
        [false, "valid"],
      ] as const) {
        z.stored("QuantConv2D", { ...quantised("xnor_weight_scale"), padding });
        if (pooled) z.plain("MaxPooling2D", pool);
        z.stored("BatchNormalization", norm(1e-4, false));
      }
      z.stored("QuantConv2D", { ...quantised("xnor_weight_scale"), padding: "valid" });
      z.stored("BatchNormalization", norm(1e-3, false));
      z.plain("ReLU");
      z.plain("Flatten");
      z.stored("Dense", { use_bias: false });
    },
  },
  {
    name: "Binary AlexNet",
    build(z) {
      const pool = { pool_size: 3, ...halved };
      const binary = quantised("ste_sign");
      for (const [stride, pooled] of [
        [4, true],
        [1, true],
        [1, false],
        [1, false],
        [1, true],
      ] as const) {
        const first = z.last === "image" ? { input_quantizer: null } : {};
        z.stored("QuantConv2D", { ...binary, ...first, strides: [stride, stride] });
        if (pooled) z.plain("MaxPooling2D", pool);
        z.stored("BatchNormalization", norm(1e-3, false));
      }
      z.plain("Flatten");
      for (let i = 0; i < 3; i++) {
        z.stored("QuantDense", binary);
        z.stored("BatchNormalization", norm(1e-3, false));
      }
    },
  },
  ...(
    [
      ["28", [6, 6, 6, 5]],
      ["37", [6, 8, 12, 6]],
      ["45", [6, 12, 14, 8]],
    ] as const
  ).map(
    ([depth, blocks]): ZooNetwork => ({
      name: `BinaryDenseNet-${depth}`,
      build: (z) => dense(z, blocks),
    }),
  ),
];

function dense(z: ZooBuilder, blocks: readonly number[]): void {
  const bn = norm(1e-5);
  z.stored("Conv2D", { ...plainConv, ...halved });
  z.stored("BatchNormalization", bn);
  z.plain("ReLU");
  z.plain("MaxPooling2D", { pool_size: 3, ...halved, padding: "same" });
  for (const [i, layers] of blocks.entries()) {
    for (let layer = 0; layer < layers; layer++) {
      const x = z.last;
      z.stored("BatchNormalization", bn);
      const grown = z.stored("QuantConv2D", quantised("ste_sign"));
      z.plain("Concatenate", {}, [x, grown]);
    }
    if (i === blocks.length - 1) continue;
    z.stored("BatchNormalization", bn);
    z.plain("MaxPooling2D", { pool_size: 2 });
    z.plain("ReLU");
    z.stored("Conv2D", plainConv);
  }
  z.stored("BatchNormalization", bn);
  z.plain("ReLU");
  z.plain("GlobalAveragePooling2D");
  z.stored("Dense", {});
}

/** The network of a file of weights; undefined where it is none of these. */
export function zooNetwork(
  weights: ReadonlyMap<string, ReadonlyMap<string, Numbers>>,
): KerasNetwork | undefined {
  for (const { name, build } of zoo) {
    const builder = new ZooBuilder(weights, image);
    try {
      build(builder);
    } catch (error) {
      if (error instanceof Mismatch) continue;
      throw error;
    }
    if (builder.isComplete) return { name, layers: builder.layers, output: builder.last };
  }
  return undefined;
}

/** For a message. */
export const zooNames = zoo.map(({ name }) => name).join(", ");
