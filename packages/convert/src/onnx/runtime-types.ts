/**
 * The part of ONNX Runtime's interface that onebit uses: onnxruntime-node and onnxruntime-web both
 * have it. Written down here, so that type-checking against these packages needs neither of them.
 */
export interface OnnxRuntime {
  readonly InferenceSession: {
    create(path: string, options: OnnxSessionOptions): Promise<OnnxRuntimeSession>;
    create(model: Uint8Array, options: OnnxSessionOptions): Promise<OnnxRuntimeSession>;
  };
  readonly Tensor: new (
    type: OnnxElementType,
    data: OnnxTensor["data"],
    dims: readonly number[],
  ) => OnnxTensor;
  readonly env: {
    readonly versions: { readonly node?: string; readonly web?: string };
    readonly wasm: { numThreads?: number };
    logLevel?: "verbose" | "info" | "warning" | "error" | "fatal";
  };
}

/** What is used of a session of ONNX Runtime, whichever package it is of. */
export interface OnnxRuntimeSession {
  readonly inputNames: readonly string[];
  /** Open dimensions are names. */
  readonly inputMetadata: readonly OnnxValueMetadata[];
  /** All outputs. */
  run(feeds: OnnxTensors): Promise<OnnxTensors>;
  /** Those outputs, written to the tensors given for them. */
  run(feeds: OnnxTensors, fetches: OnnxFetches): Promise<OnnxTensors>;
  release(): Promise<void>;
  endProfiling(): void;
}

/** Tensors by name of input or output. */
export type OnnxTensors = { readonly [name: string]: OnnxTensor };

export type OnnxFetches = readonly string[] | { readonly [name: string]: OnnxTensor | null };

/** What is used of ONNX Runtime's tensors. */
export interface OnnxTensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data:
    | Float32Array
    | Float64Array
    | Uint8Array
    | Int8Array
    | Uint16Array
    | Int16Array
    | Int32Array
    | Uint32Array
    | BigInt64Array
    | BigUint64Array
    | string[];
}

/** Element types of ONNX Runtime's tensors. */
export type OnnxElementType =
  | ("float32" | "float64" | "float16" | "uint8" | "int8" | "uint16" | "int16" | "int32" | "uint32")
  | ("int64" | "uint64" | "bool" | "string");

export type OnnxValueMetadata =
  | { readonly name: string; readonly isTensor: false }
  | {
      readonly name: string;
      readonly isTensor: true;
      readonly type: string;
      readonly shape: readonly (number | string)[];
    };

/** What is used of ONNX Runtime's options for a session. */
export interface OnnxSessionOptions {
  readonly executionProviders?: readonly string[];
  readonly graphOptimizationLevel?: "disabled" | "basic" | "extended" | "all";
  readonly intraOpNumThreads?: number;
  readonly interOpNumThreads?: number;
  readonly logSeverityLevel?: 0 | 1 | 2 | 3 | 4;
  readonly enableProfiling?: boolean;
  readonly profileFilePrefix?: string;
  readonly extra?: { readonly [name: string]: unknown };
}
