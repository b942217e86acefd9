import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import {
  describeClassifier,
  OnnxClassifier,
  type OnnxFile,
  type OnnxLayout,
  type OnnxSettings,
  openOnnxSession,
  readOnnxFile,
  withOutputs,
} from "@onebit/convert";
import { type Command, Option } from "commander";
import { OnebitError, UsageError } from "onebit";
import { wrongFile } from "onebit/file";
import { readFileBytes } from "onebit/node";
import {
  labelsOf,
  type PreprocessFlags,
  preprocessOverrides,
  refusePreprocess,
} from "./preprocess-flags.js";

export interface OnnxFlags extends PreprocessFlags {
  readonly layout?: OnnxLayout;
  readonly outputName?: string;
}

export function addOnnxOptions(command: Command): Command {
  const layout = new Option(
    "--layout <order>",
    "of an .onnx model's images, where its shape does not tell",
  );
  return command
    .addOption(layout.choices(["nchw", "nhwc"]))
    .option("--output-name <name>", "of an .onnx model's scores, where it has several outputs");
}

/** A packed network or float model says itself how it is fed and read. */
export function refuseOnnxFlags(file: string, flags: OnnxFlags): void {
  refusePreprocess(file, flags);
  if (flags.layout) throw new UsageError("--layout goes with .onnx models");
  if (flags.outputName !== undefined) throw new UsageError("--output-name goes with .onnx models");
}

export async function onnxSettings(flags: OnnxFlags): Promise<OnnxSettings> {
  const { layout, outputName: output } = flags;
  return { layout, output, labels: await labelsOf(flags), preprocess: preprocessOverrides(flags) };
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
  const wrong = wrongFile(bytes, { name: path, wanted: "onnx" });
  if (wrong) throw wrong;
  const file = await about(path, () => readOnnxFile(bytes));
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
  const settings = { ...(await onnxSettings(flags)), size };
  const info = await about(path, () => describeClassifier(file, settings));
  if (watch.length && file.externalFiles.length) {
    throw new OnebitError(`${path}: values inside a model with external weights cannot be watched`);
  }
  // By path, so that weights in other files are found.
  const model = watch.length ? withOutputs(file.bytes, watch) : path;
  const session = await openOnnxSession(path, model, threads);
  if (watch.length) return new OnnxClassifier(info, session);
  try {
    return await about(path, () => OnnxClassifier.open(info, session));
  } catch (error) {
    await session.dispose();
    throw error;
  }
}

async function about<T>(path: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof OnebitError) || error.message.startsWith(path)) throw error;
    const message = `${path}: ${error.message}`;
    throw error instanceof UsageError ? new UsageError(message) : new OnebitError(message);
  }
}
