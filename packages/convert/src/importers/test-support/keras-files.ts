import type { Group } from "h5wasm";

/** Test only: a layer of a Keras network and its arrays, by the name that Keras gives each. */
export interface TestLayer {
  readonly kind: string;
  readonly name: string;
  readonly config?: { readonly [field: string]: unknown };
  /** Default: the layer before it. */
  readonly inputs?: readonly string[];
  readonly arrays?: { readonly [name: string]: TestArray };
}

/** Test only: numbers in Keras's order. */
export interface TestArray {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Test only: what a file has that Keras would not write. */
export interface KerasFileOptions {
  /** model.save() writes it, save_weights() does not. */
  readonly config?: boolean;
  /** Keras 3 names inputs otherwise. */
  readonly version?: string;
  readonly compression?: boolean;
  readonly externalLink?: boolean;
  /** Keras 3's save_weights() lists no layers. */
  readonly unlisted?: boolean;
  /** Instead of the network's own. */
  readonly modelConfig?: unknown;
}

let files = 0;

/** Test only: the bytes of an .h5 file as Keras writes it. */
export async function kerasFile(
  layers: readonly TestLayer[],
  { config = true, version = "2.14.0", ...options }: KerasFileOptions = {},
): Promise<Uint8Array> {
  const { File, ready } = await import("h5wasm");
  const { FS } = await ready;
  const path = `/written-${files++}.h5`;
  const file = new File(path, "w", { libver: ["earliest", "v108"] });
  if (config) {
    file.create_attribute("keras_version", version);
    file.create_attribute("backend", "tensorflow");
    const model = options.modelConfig ?? functional(layers, version.startsWith("3"));
    file.create_attribute("model_config", JSON.stringify(model));
  }
  const group = config ? file.create_group("model_weights") : file;
  const names = layers.map(({ name }) => name);
  if (!options.unlisted) group.create_attribute("layer_names", names);
  for (const layer of layers) writeLayer(group, layer, options);
  file.close();
  const bytes = FS.readFile(path);
  FS.unlink(path);
  return new Uint8Array(bytes);
}

function writeLayer(
  parent: Group,
  { name, arrays = {} }: TestLayer,
  { compression, externalLink }: KerasFileOptions,
): void {
  const group = nested(parent, name);
  const names = Object.keys(arrays);
  if (names.length === 0) return;
  group.create_attribute(
    "weight_names",
    names.map((array) => `${name}/${array}:0`),
  );
  const inner = nested(group, name);
  for (const [array, { shape, data }] of Object.entries(arrays)) {
    if (externalLink) inner.create_external_link("elsewhere.h5", "/kernel", `${array}:0`);
    else {
      const packed = compression ? { chunks: [...shape], compression: "gzip" as const } : {};
      inner.create_dataset({ name: `${array}:0`, data, shape: [...shape], ...packed });
    }
  }
}

/** The group of a name with slashes, and those on the way to it. */
function nested(parent: Group, name: string): Group {
  return name.split("/").reduce((group, part) => {
    const known = group.keys().includes(part) ? group.get(part) : null;
    return (known as Group | null) ?? group.create_group(part);
  }, parent);
}

function functional(layers: readonly TestLayer[], isKeras3: boolean) {
  const inbound = (inputs: readonly string[]) => {
    const history = (name: string) => ({
      class_name: "__keras_tensor__",
      config: { keras_history: [name, 0, 0] },
    });
    if (!isKeras3) return [inputs.map((name) => [name, 0, 0, {}])];
    return [{ args: inputs.length > 1 ? [inputs.map(history)] : inputs.map(history), kwargs: {} }];
  };
  const items = layers.map(({ kind, name, config = {}, inputs }, i) => {
    const reads = inputs ?? (i > 0 ? [layers[i - 1].name] : []);
    return {
      ...{ class_name: kind, name, config: { name, ...config } },
      inbound_nodes: reads.length > 0 ? inbound(reads) : [],
    };
  });
  const ends = {
    input_layers: [[layers[0].name, 0, 0]],
    output_layers: [[layers.at(-1)!.name, 0, 0]],
  };
  return { class_name: "Functional", config: { name: "net", layers: items, ...ends } };
}
