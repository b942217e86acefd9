import { existsSync } from "node:fs";
import { basename } from "node:path";
import { loadOnnxRuntime } from "@onebit/convert";
import { OnebitError, UsageError } from "onebit";
import { readFileBytes } from "onebit/node";
import { onnxRuntimeNode } from "./onnxruntime-node.js";
import { onnxRuntimeWeb } from "./onnxruntime-web.js";
import type { OnnxModel, PeerEngine } from "./peer.js";

/** Starts a float runtime with a number of threads. */
export type StartEngine = (threads: number) => Promise<PeerEngine>;

/** What --against names: runtimes, and models of others to run on them. */
export interface Peers {
  readonly engines: readonly StartEngine[];
  readonly models: readonly OnnxModel[];
}

const engines: { readonly [name: string]: StartEngine } = {
  onnxruntime: onnxRuntimeNode,
  "onnxruntime-node": onnxRuntimeNode,
  "onnxruntime-web": onnxRuntimeWeb,
};

/** Of "onnxruntime,onnxruntime-web,model.onnx"; "none" for no peers. Models alone run on onnxruntime. */
export async function parsePeers(against: string): Promise<Peers> {
  const names = against.split(",").map((name) => name.trim());
  if (names.length === 1 && names[0] === "none") return { engines: [], models: [] };
  const paths = names.filter((name) => name.endsWith(".onnx"));
  const chosen = names.filter((name) => !name.endsWith(".onnx")).map(engineNamed);
  const models = await Promise.all(paths.map(readModel));
  const started = chosen.length ? [...new Set(chosen)] : [onnxRuntimeNode];
  // It also counts the work of models; where it is missing, that is said before anything is measured.
  if (models.length || started.includes(onnxRuntimeNode)) {
    await loadOnnxRuntime("--against onnxruntime");
  }
  return { engines: started, models };
}

function engineNamed(name: string): StartEngine {
  if (Object.hasOwn(engines, name)) return engines[name];
  throw new UsageError(
    `--against ${name}: there are ${Object.keys(engines).join(", ")}, none, and files that end in .onnx`,
  );
}

async function readModel(path: string): Promise<OnnxModel> {
  if (!existsSync(path)) throw new OnebitError(`--against ${path}: there is no such file`);
  return { name: basename(path), bytes: await readFileBytes(path) };
}

export type { OnnxModel, PeerEngine, PeerSession } from "./peer.js";
