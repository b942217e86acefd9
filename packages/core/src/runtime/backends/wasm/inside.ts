import { OnebitError } from "../../../errors.js";
import type { WorkerModule } from "../../../platform/worker.js";
import type * as beside from "./beside.js";

/** What bundle.mjs writes into onebit/standalone: simd.wasm and relaxed.wasm, one after the other, deflated, as base64. */
declare const KERNELS: () => string;
declare const SIMD_BYTES: number;

/** The function that all of onebit/standalone is in, which gives what model-worker.ts needs as well. */
declare const ONEBIT: () => unknown;

/** Serves models, and the threads of these: model-worker.ts is part of the function. */
const itself: WorkerModule = {
  name: "onebit/standalone",
  url() {
    throw new OnebitError("onebit/standalone has no threads in Node: import onebit there");
  },
  inBrowser() {
    const script = `(${ONEBIT})().serve()`;
    const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
    try {
      return new Worker(url, { type: "module" });
    } finally {
      URL.revokeObjectURL(url);
    }
  },
};

/** In place of beside.ts: in the same file as the code. */
export const { ownAssets, ownKernels, ownWorker, ownModelWorker }: typeof beside = {
  ownAssets: () => undefined,

  async ownKernels(build) {
    const both = await inflated(KERNELS());
    return build === "simd" ? both.subarray(0, SIMD_BYTES) : both.subarray(SIMD_BYTES);
  },

  ownWorker: itself,
  ownModelWorker: itself,
};

async function inflated(base64: string): Promise<Uint8Array> {
  const deflated = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const stream = new Blob([deflated]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
