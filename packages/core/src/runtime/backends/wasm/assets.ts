import { OnebitError } from "../../../errors.js";
import { assetIn, isFolder, readAsset } from "../../../platform/asset.js";
import { isNode } from "../../../platform/is-node.js";
import type { Assets } from "../../../platform/web-types.js";
import {
  type Failed,
  startWorker,
  type WorkerHandle,
  type WorkerModule,
} from "../../../platform/worker.js";
import { VERSION } from "../../../version.js";
import { type KernelBuild, ownKernels, ownModelWorker, ownWorker } from "./beside.js";

export async function readKernels(
  build: KernelBuild,
  assets: Assets | undefined,
): Promise<Uint8Array> {
  if (assets === undefined) return ownKernels(build);
  const url = assetIn(assets, `${build}.wasm`);
  const bytes = await readAsset(url);
  const end = String.fromCharCode(...bytes.subarray(-STAMP.length));
  if (end === STAMP) return bytes;
  throw new OnebitError(`${url}: not that of onebit ${VERSION}: copy it anew`);
}

/** What bundle.mjs puts at the end of the kernels. */
const STAMP = `onebit${VERSION}`;

/** Starts team-worker.ts, which gets `task`. */
export function startTeamWorker(
  task: unknown,
  failed: Failed,
  assets: Assets | undefined,
): WorkerHandle {
  return startWorker(
    assets === undefined ? ownWorker : workerIn(assets, ownWorker.name),
    task,
    failed,
  );
}

/** Starts model-worker.ts, which gets `task` and the ports in it. */
export function startModelWorker(
  task: unknown,
  failed: Failed,
  assets: Assets | undefined,
  ports: MessagePort[],
): WorkerHandle {
  const own = ownModelWorker;
  // The folder's is for browsers, and addresses by name are those of a worker to be.
  const module = isNode() || !isFolder(assets) ? own : workerIn(assets, own.name);
  return startWorker(module, task, failed, ports);
}

function workerIn(assets: Assets, name: string): WorkerModule {
  const url = () => assetIn(assets, name);
  return { name, url, inBrowser: () => new Worker(url(), { type: "module" }) };
}
