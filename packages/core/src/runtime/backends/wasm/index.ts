import { awake } from "../../../platform/awake.js";
import type { Program, ProgramTensors } from "../../../program/types.js";
import type { Backend, CompileOptions, Executable } from "../../backend.js";
import { DEFAULT_BUDGET } from "../../budget.js";
import { compileProgram } from "./compile.js";
import { WasmExecutable } from "./executable.js";
import { measuredKernels, unmeasuredClasses } from "./measured-kernels.js";
import { loadKernels } from "./module.js";
import { TunedExecutable } from "./tuned-executable.js";

/** WebAssembly with SIMD; one thread where threads cannot share memory. */
export const wasm: Backend = {
  name: "wasm",
  ...{ threads: "many", exact: "bits", fast: true },

  async unavailable(options) {
    try {
      await awake(() => loadKernels(threadsOf(options) > 1, { assets: options?.assets }));
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  },

  async compile(
    program: Program,
    tensors: ProgramTensors,
    options: CompileOptions,
  ): Promise<Executable> {
    const { memory = DEFAULT_BUDGET.memory, assets } = options;
    const threads = threadsOf(options);
    const aloneReason = threads < options.threads ? unsharable() : undefined;
    const make = () => {
      const planning = { threads, memory, measured: measuredKernels };
      const compiled = compileProgram(program, tensors, planning);
      return WasmExecutable.instantiate(program, compiled, { threads, assets, aloneReason });
    };
    const executable = await awake(make);
    const shapes = unmeasuredClasses(program);
    // Both are there for a while.
    const affordable = 2 * executable.memoryBytes <= memory;
    if (shapes.length === 0 || shapes.length > MOST_MEASURED || !affordable) return executable;
    return new TunedExecutable(executable, () =>
      awake(async () => {
        const { probeKernels } = await import("./fastest-kernels.js");
        return (await probeKernels(shapes, assets)) ? make() : undefined;
      }),
    );
  },
};

/** Shape classes: each takes some milliseconds, and no network has so many. */
const MOST_MEASURED = 256;

/** One where memory cannot be shared. */
function threadsOf({ threads }: CompileOptions = { threads: 1 }): number {
  return unsharable() === undefined ? threads : 1;
}

function unsharable(): string | undefined {
  if (globalThis.crossOriginIsolated === false) {
    return "this page is not cross-origin isolated, so its threads cannot share memory: serve it with Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp";
  }
  return typeof SharedArrayBuffer === "undefined" ? "there is no SharedArrayBuffer" : undefined;
}

export default wasm;
