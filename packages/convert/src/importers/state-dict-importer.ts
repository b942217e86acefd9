import type { Graph, TensorSpec } from "onebit/graph";
import type { Preprocess } from "onebit/image";
import type { Importer } from "./importer.js";

/** A network of one's own: its graph, whose tensors have the keys of the module's state dict. */
export interface OwnNetwork {
  /** Its name in reports. */
  readonly name: string;
  readonly graph: Graph;
  /** How the training prepared images. */
  readonly preprocess: Preprocess;
  /** One per class; default: ImageNet's for as many classes, or numbers. */
  readonly labels?: readonly string[];
}

/**
 * The importer of a PyTorch module of one's own: what it takes is a graph that is built with the keys of the
 * state dict. Missing, misshapen and unexpected keys are errors as of every family; what lies outside of the
 * graph's modules is left out, and said. docs/from-pytorch.md.
 *
 * ```ts
 * import { stateDictImporter } from "@onebit/convert";
 * import { buildModel, models } from "onebit/models";
 *
 * const graph = buildModel("resnet-18", { classes: 5 });
 * const { preprocess } = models["resnet-18"];
 * const own = stateDictImporter({ name: "mine", graph, preprocess: preprocess! });
 * console.log(own.family); // importCheckpoint(buffer, { importers: [own] })
 * ```
 */
export function stateDictImporter({ name, graph, preprocess, labels }: OwnNetwork): Importer {
  const specs = Object.entries(graph.tensors);
  const wanted = specs.filter(([, spec]) => isStored(spec)).map(([key]) => key);
  const modules = new Set(wanted.map((key) => key.split(".")[0]));
  const binary = specs.some(([, { role }]) => role === "binary");
  return {
    family: name,
    recognises: ({ tensors }) => wanted.some((key) => tensors.has(key)),
    owns: (key) => modules.has(key.split(".")[0]),
    takes: ["wrapper", "zeroWeights"],
    network: async ({ tensors }) => ({
      ...{ architecture: { graph }, tensors, preprocess, notes: [] },
      form: binary ? "binary" : "real",
      ...(labels && { labels: { names: labels, notes: [] } }),
    }),
  };
}

/** Counters may be missing, and mirrors are only BNext's. */
const isStored = ({ kind }: TensorSpec): boolean => kind === "parameter" || kind === "buffer";
