import type { OnnxTensor } from "@onebit/convert";
import type { OnnxTarget } from "onebit/onnx";

/** What the engine needs of ONNX Runtime, in Node, in a page or on a GPU. */
export interface TrainingRuntime {
  /** What graphs have to be compiled for: which ops have kernels there. */
  readonly target: OnnxTarget;
  /** OnebitError where it refuses the graph. */
  createSession(onnx: Uint8Array, threads: number): Promise<TrainingSession>;
  /** A tensor over this memory, which stays where it is. */
  tensor(data: Float32Array, shape: readonly number[]): BoundTensor;
}

export interface TrainingSession {
  /** Reads the feeds' memory, and writes the outputs into that of the fetches. */
  run(feeds: Bindings, fetches: Bindings): Promise<void>;
  release(): Promise<void>;
}

export interface BoundTensor extends OnnxTensor {
  readonly data: Float32Array;
}

/** By input or output name. */
export type Bindings = { [name: string]: BoundTensor };
