import { awake } from "../../../platform/awake.js";
import type { Program, ProgramTensors } from "../../../program/types.js";
import type { Backend, CompileOptions, Executable } from "../../backend.js";
import { compileProgram } from "./compile.js";
import { WasmExecutable } from "./executable.js";
import { loadKernels } from "./module.js";

/** WebAssembly with SIMD; one thread where threads cannot share memory. */
export const wasm: Backend = {
  name: "wasm",

  async unavailable(options) {
    try {
      await awake(() => loadKernels(threadsOf(options) > 1));
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
    const threads = threadsOf(options);
    const compiled = compileProgram(program, tensors, { threads });
    return awake(() => WasmExecutable.instantiate(program, compiled, { threads }));
  },
};

/** One where memory cannot be shared: a page must be cross-origin isolated. */
function threadsOf({ threads }: CompileOptions = { threads: 1 }): number {
  const canShare = typeof SharedArrayBuffer !== "undefined";
  return canShare && globalThis.crossOriginIsolated !== false ? threads : 1;
}

export default wasm;
