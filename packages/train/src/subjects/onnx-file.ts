import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import {
  describeClassifier,
  OnnxClassifier,
  type OnnxFile,
  type OnnxSettings,
  openOnnxSession,
  readOnnxFile,
  withOutputs,
} from "@onebit/convert";
import { OnebitError, UsageError } from "onebit";
import { wrongFile } from "onebit/file";
import { readFileBytes } from "onebit/node";

/** How an ONNX classifier is opened. */
export interface OnnxOptions {
  readonly settings?: OnnxSettings;
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
  { settings, threads = 1, size, watch = [] }: OnnxOptions = {},
): Promise<OnnxClassifier> {
  const file = await openOnnxFile(path);
  const info = await about(path, () => describeClassifier(file, { ...settings, size }));
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
