import { awake } from "../../../platform/awake.js";
import type { Program, ProgramTensors } from "../../../program/types.js";
import type { Backend, CompileOptions, Executable } from "../../backend.js";
import { compileProgram } from "./compile.js";
import { WasmExecutable } from "./executable.js";
import { loadKernels } from "./module.js";
import { canShareMemory } from "./team.js";

/** WebAssembly with SIMD; one thread where threads cannot share memory. */
export const wasm: Backend = {
  name: "wasm",

  async unavailable() {
    try {
      await awake(() => loadKernels());
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
    const threads = canShareMemory() ? options.threads : 1;
    const compiled = compileProgram(program, tensors, { threads });
    return awake(() => WasmExecutable.instantiate(program, compiled, { threads }));
  },
};

export default wasm;
