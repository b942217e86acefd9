import { readAsset } from "../../../platform/asset.js";
import type { Assets } from "../../../platform/web-types.js";
import type { WorkerModule } from "../../../platform/worker.js";

/**
 * What the backend needs that is no code of its own, where the package has it. The addresses are
 * written out because bundlers look for these words. onebit/standalone has inside.ts instead.
 */

const KERNELS = {
  simd: () => new URL("../../../../wasm/simd.wasm", import.meta.url),
  relaxed: () => new URL("../../../../wasm/relaxed.wasm", import.meta.url),
};

/**
 * Builds of the kernels; all give the same bits. With relaxed SIMD a lookup is one instruction
 * instead of two: the indices are in range, so what is relaxed about it does not show.
 */
export type KernelBuild = keyof typeof KERNELS;

/** Where they are, for a worker that is not beside them. */
export const ownAssets = (): Assets | undefined => ({
  "simd.wasm": KERNELS.simd().href,
  "relaxed.wasm": KERNELS.relaxed().href,
});

export function ownKernels(build: KernelBuild): Promise<Uint8Array> {
  return readAsset(KERNELS[build]());
}

/** Node cannot run TypeScript in a worker: from sources (tests), the module's build is taken. */
const HERE = import.meta.url.replace(/\/src\/(.*)\.ts$/, "/dist/$1.js");

/** team-worker.ts. */
export const ownWorker: WorkerModule = {
  name: "team-worker.js",
  url: () => new URL("team-worker.js", HERE),
  inBrowser: () => new Worker(new URL("./team-worker.js", import.meta.url), { type: "module" }),
};

/** model-worker.ts: as it is in Node, in one file for browsers, whose bundlers stumble over more. */
export const ownModelWorker: WorkerModule = {
  name: "model-worker.js",
  url: () => new URL("../../worker/model-worker.js", HERE),
  inBrowser: () =>
    new Worker(new URL("../../../../wasm/model-worker.js", import.meta.url), { type: "module" }),
};
