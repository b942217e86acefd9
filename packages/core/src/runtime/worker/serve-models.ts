import { classOf } from "../../describe.js";
import { OnebitError } from "../../errors.js";
import { VERSION } from "../../version.js";
import { beginLoading } from "../backends.js";
import { openModel } from "../open.js";
import type { ProgramModel } from "../program-model.js";
import { imagesRunner } from "../run-images.js";
import { failureOf } from "./failure.js";
import { closeImages } from "./images.js";
import type {
  Calls,
  ModelWorkerTask,
  RemoteFacts,
  RemoteState,
  Reply,
  Request,
  WorkerOptions,
} from "./messages.js";

type Handlers = {
  readonly [Name in keyof Calls]: (
    ...args: Parameters<Calls[Name]>
  ) => Promise<ReturnType<Calls[Name]>>;
};

/** In a worker: opens models and runs them, as messages on the port ask. */
export function serveModels({ port, version, options }: ModelWorkerTask): void {
  if (version !== VERSION) {
    throw new OnebitError(
      `model-worker.js is that of onebit ${VERSION}, not ${version}: copy it anew`,
    );
  }
  beginLoading(options.backend, atHome(options));
  const models = new Map<number, ProgramModel>();
  const handlers = handlersFor(models);
  port.onmessage = async ({ data }: MessageEvent<Request>) => {
    const { id, call, args } = data;
    const reply = await answer(handlers, call, args);
    const state = stateOf(models.get(args[0] as number));
    port.postMessage({ id, state, ...reply } satisfies Reply, { transfer: buffersIn(reply.value) });
  };
  port.postMessage({ id: 0 } satisfies Reply);
}

function handlersFor(models: Map<number, ProgramModel>): Handlers {
  let opened = 0;
  return {
    async open(file, options, classifies) {
      const { model, facts } = await openModel(file, atHome(options), classifies);
      models.set(++opened, model);
      return { model: opened, facts, ...factsOf(model) };
    },
    run: (model, tensor, outputs) => models.get(model)!.run(tensor, { outputs }),
    async runImages(model, images, how, outputs) {
      try {
        return await imagesRunner(models.get(model)!)(images, how, outputs);
      } finally {
        closeImages(images.list);
      }
    },
    ready: (model) => models.get(model)!.ready(),
    async dispose(model) {
      models.get(model)!.dispose();
      models.delete(model);
    },
  };
}

/** With addresses of files, this worker's file is where threads are as well: see model-worker.ts. */
function atHome(options: WorkerOptions): WorkerOptions {
  const { assets } = options;
  if (classOf(assets) !== "Object") return options;
  const files = assets as { readonly [file: string]: string };
  return { ...options, assets: { "team-worker.js": location.href, ...files } };
}

async function answer(
  handlers: Handlers,
  call: keyof Calls,
  args: readonly unknown[],
): Promise<Pick<Reply, "value" | "failure">> {
  try {
    const handle = handlers[call] as (...args: readonly unknown[]) => Promise<unknown>;
    return { value: await handle(...args) };
  } catch (error) {
    return { failure: failureOf(error) };
  }
}

function factsOf(model: ProgramModel): Omit<RemoteFacts, "model" | "facts"> {
  const { program, inputs, outputs, backend, backendReasons } = model;
  const { card, backends, maps } = model.info;
  return { program, inputs, outputs, backend, backendReasons, card, backends, maps };
}

function stateOf(model: ProgramModel | undefined): RemoteState | undefined {
  if (!model) return undefined;
  const { threads, threadsReason, arenaBytes } = model;
  return { threads, threadsReason, arenaBytes, profile: model.profile() };
}

/** The memory of outputs, which moves to the caller. */
function buffersIn(value: unknown): ArrayBuffer[] {
  const buffers = Object.values(value ?? {}).flatMap((tensor) => {
    const { buffer } = (tensor?.data ?? {}) as Partial<Float32Array>;
    return buffer instanceof ArrayBuffer ? [buffer] : [];
  });
  return [...new Set(buffers)];
}
