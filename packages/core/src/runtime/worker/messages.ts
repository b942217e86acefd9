import type { Preprocess } from "../../image/index.js";
import type { Assets } from "../../platform/web-types.js";
import type { MapType } from "../../program/types.js";
import type { BackendName } from "../backends.js";
import type { Budget } from "../budget.js";
import type { ImageFacts } from "../classifier.js";
import type { ImageList } from "../image-input.js";
import type { Model, ModelOutputs, StepProfile } from "../model.js";
import type { NamedBytes } from "../open.js";
import type { FloatTensor } from "../tensor-input.js";
import type { Failure } from "./failure.js";

/** What a worker for models is started with. */
export interface ModelWorkerTask {
  readonly port: MessagePort;
  /** Of the caller's code. */
  readonly version: string;
  /** What the first model will need, so that it is loaded while its file comes. */
  readonly options: WorkerOptions;
}

/** OpenOptions that can be sent. */
export interface WorkerOptions {
  readonly backend: "auto" | BackendName;
  readonly threads: number;
  readonly input?: readonly [height: number, width: number];
  readonly maps?: MapType;
  readonly budget?: Budget;
  readonly assets?: Assets;
}

/** What a model of the worker is, by its number there. */
export interface RemoteFacts
  extends Pick<Model, "program" | "inputs" | "outputs" | "backend" | "backendReasons"> {
  readonly model: number;
  readonly card: Model["info"]["card"];
  readonly backends: Model["info"]["backends"];
  readonly maps: MapType;
  readonly facts: ImageFacts;
}

/** What changes while it runs. */
export interface RemoteState extends Pick<Model, "threads" | "threadsReason" | "arenaBytes"> {
  readonly profile: StepProfile[] | undefined;
}

/** What can be asked of the worker. Everything but opening names a model first. */
export interface Calls {
  open(file: NamedBytes, options: WorkerOptions, classifies: boolean): RemoteFacts;
  run(model: number, tensor: FloatTensor, outputs: readonly string[] | undefined): ModelOutputs;
  runImages(
    model: number,
    images: ImageList,
    how: Preprocess,
    outputs: readonly string[],
  ): ModelOutputs;
  ready(model: number): void;
  dispose(model: number): void;
}

export interface Request<Name extends keyof Calls = keyof Calls> {
  readonly id: number;
  readonly call: Name;
  readonly args: Parameters<Calls[Name]>;
}

/** What comes back; the first, of id 0, says that the worker has started. */
export interface Reply {
  readonly id: number;
  readonly value?: unknown;
  readonly failure?: Failure;
  /** Of the model that was asked. */
  readonly state?: RemoteState;
}
