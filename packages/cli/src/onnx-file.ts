import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import {
  describeClassifier,
  OnnxClassifier,
  type OnnxFile,
  type OnnxLayout,
  type OnnxSession,
  readOnnxFile,
  withOutputs,
} from "@onebit/convert";
import { type Command, Option } from "commander";
import { OnebitError, UsageError } from "onebit";
import { readFileBytes } from "onebit/node";
import ort from "onnxruntime-node";
import { labelsOf, type PreprocessFlags, preprocessOverrides } from "./preprocess-flags.js";

export function isOnnx(path: string): boolean {
  return path.endsWith(".onnx");
}

export interface OnnxFlags extends PreprocessFlags {
  readonly layout?: OnnxLayout;
}

export function addOnnxOptions(command: Command): Command {
  const layout = new Option(
    "--layout <order>",
    "of an .onnx model's images, where its shape does not tell",
  );
  return command.addOption(layout.choices(["nchw", "nhwc"]));
}

export interface OnnxOptions {
  readonly flags?: OnnxFlags;
  readonly threads?: number;
  /** Height and width, where the file leaves them open. */
  readonly size?: readonly [height: number, width: number];
  /** Values inside the network that must come out too. */
  readonly watch?: readonly string[];
}

/** What an .onnx file says about itself. */
export async function openOnnxFile(path: string): Promise<OnnxFile & { bytes: Uint8Array }> {
  const bytes = await readFileBytes(path);
  const file = about(path, () => readOnnxFile(bytes));
  const missing = file.externalFiles.find((name) => !existsSync(join(dirname(path), name)));
  if (missing === undefined) return { ...file, bytes };
  throw new OnebitError(
    `${path}: its weights are in another file, ${missing}, which is not beside it: fetch that too`,
  );
}

/** A classifier in ONNX, ready to run on ONNX Runtime. Dispose of it. */
export async function openOnnxClassifier(
  path: string,
  { flags = {}, threads = 1, size, watch = [] }: OnnxOptions = {},
): Promise<OnnxClassifier> {
  const file = await openOnnxFile(path);
  const labels = await labelsOf(flags);
  const preprocess = preprocessOverrides(flags);
  const settings = { layout: flags.layout, size, labels, preprocess };
  const info = about(path, () => describeClassifier(file, settings));
  if (watch.length && file.externalFiles.length) {
    throw new OnebitError(`${path}: values inside a model with external weights cannot be watched`);
  }
  // By path, so that weights in other files are found.
  const model = watch.length ? withOutputs(file.bytes, watch) : path;
  return new OnnxClassifier(info, await ortSession(path, model, threads));
}

function about<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof OnebitError)) throw error;
    const message = `${path}: ${error.message}`;
    throw error instanceof UsageError ? new UsageError(message) : new OnebitError(message);
  }
}

/** ONNX bytes, or the path of a file, in ONNX Runtime on the CPU. */
export async function ortSession(
  name: string,
  model: string | Uint8Array,
  threads: number,
): Promise<OnnxSession> {
  const options = {
    executionProviders: ["cpu"],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    logSeverityLevel: 4,
  } as const;
  const create = () =>
    typeof model === "string"
      ? ort.InferenceSession.create(model, options)
      : ort.InferenceSession.create(model, options);
  const failed = (what: string) => (error: Error) => {
    throw new OnebitError(`${name}: ONNX Runtime cannot ${what} it: ${error.message}`);
  };
  const session = await create().catch(failed("load"));
  return {
    async run(feeds, outputs) {
      const given = Object.entries(feeds).map(([input, { shape, data }]) => [
        input,
        new ort.Tensor("float32", data, [...shape]),
      ]);
      const results = await session
        .run(Object.fromEntries(given), [...outputs])
        .catch(failed("run"));
      const tensors = outputs.map((output) => {
        const { dims, data } = results[output];
        if (data instanceof Float32Array) return [output, { shape: dims, data }];
        throw new OnebitError(`${name}: output "${output}" is not float32`);
      });
      return Object.fromEntries(tensors);
    },
    dispose: () => session.release(),
  };
}
