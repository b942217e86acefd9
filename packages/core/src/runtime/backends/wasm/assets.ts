import { OnebitError } from "../../../errors.js";
import { assetIn, readAsset } from "../../../platform/asset.js";
import type { UrlLike } from "../../../platform/web-types.js";
import {
  type Failed,
  startWorker,
  type WorkerHandle,
  type WorkerModule,
} from "../../../platform/worker.js";
import { VERSION } from "../../../version.js";
import { type KernelBuild, ownKernels, ownWorker } from "./beside.js";

/** A folder like `wasm` of the package, where the option `assets` names one. */
export type AssetFolder = string | UrlLike | undefined;

export async function readKernels(build: KernelBuild, folder: AssetFolder): Promise<Uint8Array> {
  if (folder === undefined) return ownKernels(build);
  const url = assetIn(folder, `${build}.wasm`);
  const bytes = await readAsset(url);
  const end = String.fromCharCode(...bytes.subarray(-STAMP.length));
  if (end === STAMP) return bytes;
  throw new OnebitError(`${url}: not that of onebit ${VERSION}: copy it anew`);
}

/** What bundle.mjs puts at the end of the kernels. */
const STAMP = `onebit${VERSION}`;

/** Starts team-worker.ts, which gets `task`. */
export function startTeamWorker(task: unknown, failed: Failed, folder: AssetFolder): WorkerHandle {
  return startWorker(folder === undefined ? ownWorker : workerIn(folder), task, failed);
}

function workerIn(folder: string | UrlLike): WorkerModule {
  const url = () => assetIn(folder, "team-worker.js");
  return { url, inBrowser: () => new Worker(url(), { type: "module" }) };
}
