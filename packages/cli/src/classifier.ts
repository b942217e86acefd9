import type { OnnxClassifier, OnnxImageType } from "@onebit/convert";
import {
  type BackendChoice,
  type Budget,
  type FloatTensor,
  type ImageLike,
  load,
  type MapType,
  OnebitError,
} from "onebit";
import { type Preprocess, preprocess } from "onebit/image";
import { mapsNotes } from "./flags/maps.js";
import type { OnnxFlags } from "./flags/onnx.js";
import { modelKind } from "./model-kind.js";
import { openPacked } from "./models-on-disk.js";
import { openOnnxClassifier } from "./onnx-file.js";

/** A network that scores images, whoever runs it: a packed one, or one in ONNX. */
export interface Classifier {
  readonly info: {
    readonly input: { readonly channels: number; readonly height: number; readonly width: number };
    readonly classes: number;
    readonly labels?: readonly string[];
    readonly labelsAssumed?: boolean;
    readonly preprocess?: Preprocess;
    /** Of an .onnx model. */
    readonly inputType?: OnnxImageType;
  };
  readonly backend: string;
  readonly threads: number;
  /** What had to be assumed. */
  readonly notes: readonly string[];
  run(images: FloatTensor): Promise<{ readonly logits: FloatTensor }>;
  dispose(): Promise<void>;
}

export interface ClassifierOptions {
  readonly backend: BackendChoice;
  readonly threads: number;
  readonly flags: OnnxFlags;
  /** Height and width, where they should not be those of the file. */
  readonly size?: readonly [height: number, width: number];
  /** Of a packed network. */
  readonly maps?: MapType;
  readonly budget?: Budget;
}

export async function openClassifier(
  path: string,
  { backend, threads, flags, size, maps, budget }: ClassifierOptions,
): Promise<Classifier> {
  if ((await modelKind(path, "runnable")) === "onnx") {
    return onnxClassifier(await openOnnxClassifier(path, { flags, threads, size }), threads);
  }
  const model = await load(path, { backend, threads, input: size, maps, budget });
  const notes = [...(size ? await sizeNotes(path, size) : []), ...mapsNotes(model.info.maps, maps)];
  if (model.threadsReason) notes.push(`threads: ${model.threads}: ${model.threadsReason}`);
  return {
    ...{ info: model.info, backend: model.backend, threads: model.threads, notes },
    run: (images) => model.run(images),
    dispose: async () => model.dispose(),
  };
}

async function sizeNotes(path: string, [height, width]: readonly [number, number]) {
  const { program } = await openPacked(path);
  const [rows, columns] = program.values[program.input].shape;
  if (rows === height && columns === width) return [];
  return [`${path} was packed for images of ${rows}x${columns}; it runs at ${height}x${width}`];
}

function onnxClassifier(model: OnnxClassifier, threads: number): Classifier {
  return {
    ...{ info: model.info, backend: "onnxruntime", threads, notes: model.info.notes },
    run: (images) => model.run(images),
    dispose: () => model.dispose(),
  };
}

/** How the network wants photographs; an error where it does not say. */
export function preprocessOf({ info }: Classifier): Preprocess {
  if (info.preprocess) return info.preprocess;
  throw new OnebitError(
    "this model does not say how images are to be prepared; give normalised tensors: --input x.npy --output y.npy",
  );
}

/** One photograph as the network takes it, [1, C, H, W]. */
export function prepared(image: ImageLike, how: Preprocess): FloatTensor {
  const { data, width, height } = image;
  const channels = data.length / (width * height);
  const planes = preprocess({ data, width, height, channels }, how);
  return { shape: [1, how.channels, ...how.size], data: planes };
}
