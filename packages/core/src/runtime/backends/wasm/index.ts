import type { Program, ProgramTensors } from "../../../program/types.js";
import type { Backend, CompileOptions, Executable } from "../../backend.js";
import { compileProgram } from "./compile.js";
import { type Kernels, WasmExecutable } from "./executable.js";
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

  async compile(
    program: Program,
    tensors: ProgramTensors,
    _options: CompileOptions,
  ): Promise<Executable> {
    const module = await loadKernels();
    const compiled = compileProgram(program, tensors);
    const memory = compiled.plan.allocate();
    const instance = await WebAssembly.instantiate(module, { env: { memory } });
    return new WasmExecutable(program, compiled, memory, instance.exports as unknown as Kernels);
  },
};
