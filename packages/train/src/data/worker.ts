import { parentPort, workerData } from "node:worker_threads";
import { OnebitError } from "onebit";
import { BatchFiller, type BatchRequest, type FilledBatch } from "./fill.js";
import { openSplit } from "./open-split.js";
import type { PortableSplit } from "./split.js";

export type Part = "train" | "test";

/** What the worker is started with. */
export type WorkerSplits = Record<Part, PortableSplit> & { keep: boolean };

export interface Job {
  id: number;
  part: Part;
  request: BatchRequest;
  /** Filled and sent back. */
  images: Float32Array<ArrayBuffer>;
}

export interface Filled extends FilledBatch {
  images: Float32Array<ArrayBuffer>;
}

export type Reply = ({ id: number } & Filled) | { id: number; error: string; expected: boolean };

const port = parentPort;
if (port) {
  const { train, test, keep } = workerData as WorkerSplits;
  const fillers: Record<Part, BatchFiller> = {
    train: new BatchFiller(openSplit(train), keep),
    test: new BatchFiller(openSplit(test), keep),
  };
  port.on("message", async ({ id, part, request, images }: Job) => {
    try {
      const filled = await fillers[part].fill(request, images);
      port.postMessage({ id, images, ...filled } satisfies Reply, [images.buffer]);
    } catch (thrown) {
      const error = thrown as Error;
      const expected = error instanceof OnebitError;
      const text = expected ? error.message : (error.stack ?? String(thrown));
      port.postMessage({ id, error: text, expected } satisfies Reply);
    }
  });
}
