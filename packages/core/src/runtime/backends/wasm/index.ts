import type { Program, ProgramTensors } from "../../../program/types.js";
import type { Backend, Executable } from "../../backend.js";
import { compileProgram } from "./compile.js";
import { WasmExecutable } from "./executable.js";
import { loadKernels } from "./module.js";

/** WebAssembly with SIMD, one thread. */
export const wasm: Backend = {
  name: "wasm",

  async unavailable() {
    try {
      await loadKernels();
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  },

  async compile(program: Program, tensors: ProgramTensors): Promise<Executable> {
    const module = await loadKernels();
    return WasmExecutable.instantiate(module, program, compileProgram(program, tensors));
  },
};

export default wasm;
