import type { Preprocess } from "../image/preprocess.js";
import type { Assets } from "../platform/web-types.js";
import type { Program, ProgramTensors, ValueId } from "../program/types.js";
import type { ImageList } from "./image-input.js";
import type { Preparing } from "./run-images.js";

/** What is known of a backend without asking it to run anything. */
export interface BackendFacts {
  /** Whether threads can share its work. */
  readonly threads: "one" | "many";
  /**
   * What it has in common with the reference backend: the bits of all numbers, or only those of
   * integers and of what is decided by them.
   */
  readonly exact: "bits" | "integers";
  /** Made for speed. What is not is there to be compared with, and where nothing else runs. */
  readonly fast: boolean;
}

/**
 * Where a packed program runs. A backend compiles whole programs, never single steps; it plans
 * memory, re-tiles weights and derives border corrections itself. It is not responsible for
 * reading files, decoding images, or checking the program (program/check.ts has done that).
 */
export interface Backend extends BackendFacts {
  readonly name: string;
  /**
   * Undefined where it can run here, else the reason why not. options: those that compile() will be
   * called with, if it will: what it needs for them is got ready.
   */
  unavailable(options?: CompileOptions): Promise<string | undefined>;
  /** May begin before unavailable() has answered; rejects where the backend cannot run. */
  compile(program: Program, tensors: ProgramTensors, options: CompileOptions): Promise<Executable>;
}

/** How a backend compiles a program. */
export interface CompileOptions {
  /** 1 to MAX_THREADS (threads.ts). */
  readonly threads: number;
  /**
   * Bytes that compile() and runs may take for the program: BudgetError before more is
   * taken. Default: that of Budget.
   */
  readonly memory?: number;
  /** The folder of the files that a backend needs; absent: they lie beside its code. */
  readonly assets?: Assets;
}

/** Values of one image, by id: [H, W, C], bits as -1 and +1. */
export type StepValues = ReadonlyMap<ValueId, Float32Array | Int8Array>;

/** Pictures of the page that are on their way into a network. */
export interface TakenPictures {
  /** As Executable.run(), once. */
  run(): Promise<{ [output: string]: Float32Array }>;
}

/** A program compiled by a backend. */
export interface Executable {
  /**
   * images: [N, H, W, C] float32, normalised; not read once this has returned its promise. Each output:
   * [N, ...value shape].
   */
  run(images: Float32Array, count: number): Promise<{ [output: string]: Float32Array }>;
  /**
   * The same for images [N, C, H, W], where the backend takes them as they are.
   */
  runPlanes?(images: Float32Array, count: number): Promise<{ [output: string]: Float32Array }>;
  /**
   * Pictures of the page as they are now, prepared by the backend itself; undefined where it leaves that to
   * the caller, as of images that are none.
   */
  takePictures?(
    images: ImageList,
    how: Preprocess,
    preparing: Preparing,
  ): TakenPictures | undefined;
  /**
   * What one step makes of the values that it reads, where a backend is to be compared step by step: one
   * whose numbers are rounded in its own way.
   */
  runStep?(index: number, given: StepValues): Promise<StepValues>;
  /** Milliseconds per step of the last run, where the backend can tell; it may count reading the image. */
  profile?(): readonly number[];
  /** What runs each step ("binary 3x3, lookup"), where the backend has several ways. */
  kernels?(): readonly string[];
  /** Memory for the values of one image, weights apart, where the backend plans it. */
  readonly arenaBytes?: number;
  /** All that counts against CompileOptions.memory, where the backend keeps account of it. */
  readonly memoryBytes?: number;
  /**
   * The threads at work, once those that were asked for have started (or could not): until then
   * run() computes with fewer. Absent where they start with compile().
   */
  ready?(): Promise<number>;
  /**
   * How many threads share the work, those that are starting counted. Absent: as many as were asked
   * for.
   */
  readonly threads?: number;
  /** Why not as many as were asked for. */
  readonly threadsReason?: string;
  dispose(): void;
}
