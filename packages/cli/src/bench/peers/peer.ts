/** An ONNX model that a peer runs. */
export interface OnnxModel {
  /** As it is called in results and messages. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** A model in a float runtime, with its input in place. */
export interface PeerSession {
  /** From the bytes of the model to a session that can run. */
  readonly loadMs: number;
  /** The same for another session, which is given back at once. */
  reload(): Promise<number>;
  /** Milliseconds of one run. */
  run(): Promise<number>;
}

/** A float runtime, started with a number of threads. */
export interface PeerEngine {
  /** "onnxruntime-node 1.30.0". */
  readonly engine: string;
  /** The execution provider. */
  readonly backend: string;
  readonly threads: number;
  /** Loads a model and runs it once; OnebitError where it does not load, fit or run. */
  open(model: OnnxModel, batch: number): Promise<PeerSession>;
  /** Gives back the sessions and threads. */
  dispose(): Promise<void>;
}
