import { UsageError } from "../../errors.js";
import { abortable } from "../../platform/abortable.js";
import { assetIn } from "../../platform/asset.js";
import { blobOf } from "../../platform/blob-of.js";
import { isNode } from "../../platform/is-node.js";
import type { Assets, SignalLike } from "../../platform/web-types.js";
import { ownAssets } from "../backends/wasm/beside.js";
import { BACKENDS } from "../backends.js";
import type { Loaded, Maker } from "../load.js";
import type { LoadOptions } from "../load-options.js";
import type { NamedBytes, OpenOptions } from "../open.js";
import type { WorkerOptions } from "./messages.js";
import { ModelWorkerClient } from "./model-worker-client.js";
import { RemoteModel } from "./remote-model.js";

/** Makes models in a worker, or on this thread where that cannot start. */
export function makerInWorker(
  options: LoadOptions,
  classifies: boolean,
  makerHere: (options: OpenOptions, classifies: boolean) => Maker,
): Maker {
  const sent = sendableOptions(options);
  const client = ModelWorkerClient.join(sent);
  const make = async (file: NamedBytes) => {
    try {
      await abortable(client.started, options.signal);
    } catch (error) {
      options.signal?.throwIfAborted();
      const workerReason = (error as Error).message;
      console.warn(`onebit: ${file.name} runs on this thread: ${workerReason}`);
      return makerHere({ ...options, workerReason }, classifies).make(file);
    }
    return openThere(client, file, sent, classifies, options.signal);
  };
  return { make, done: () => client.leave() };
}

async function openThere(
  client: ModelWorkerClient,
  file: NamedBytes,
  options: WorkerOptions,
  classifies: boolean,
  signal: SignalLike | undefined,
): Promise<Loaded> {
  const sent = await unread(file);
  const opening = client.call("open", [sent, options, classifies]).then(({ value, state }) => {
    const model = new RemoteModel(client, value, state);
    if (signal?.aborted) model.dispose();
    return { model, facts: value.facts, runImages: model.runImages };
  });
  return abortable(opening, signal);
}

/** For the worker to read: bytes that are copied on their way would keep this thread busy. */
async function unread({ name, bytes }: NamedBytes): Promise<NamedBytes> {
  return { name, bytes: bytes instanceof Uint8Array ? await blobOf(bytes) : bytes };
}

function sendableOptions({
  backend = "auto",
  threads = 1,
  input,
  maps,
  budget,
  assets,
}: LoadOptions): WorkerOptions {
  if (typeof backend === "string") {
    return { backend, threads, input, maps, budget, assets: addressesOf(assets) };
  }
  throw new UsageError(
    `load: worker: a backend of your own cannot go there: name one of ${["auto", ...BACKENDS].join(", ")}`,
  );
}

/** As a worker finds them, which has another address than the page. */
function addressesOf(assets: LoadOptions["assets"]): Assets | undefined {
  if (isNode()) return assets && String(assets);
  return assets === undefined ? ownAssets() : assetIn(assets, "").href;
}
