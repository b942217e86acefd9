import { compileEpilogues } from "./codegen/epilogue-module.js";
import type { CompiledProgram } from "./compile.js";
import { type KernelFile, loadKernels } from "./module.js";
import { instantiateKernels, type Kernels, type Machine, Runner } from "./runner.js";

export interface BootOptions extends KernelFile {
  /** Threads share the memory. */
  readonly shared?: boolean;
  /** What the plan has allocated. */
  readonly memory?: WebAssembly.Memory;
}

/** A compiled program in memory, its weights laid out, with the first thread's runner. */
export interface Booted {
  readonly machine: Machine;
  readonly runner: Runner;
}

/** Takes the constants out of the plan: a compiled program boots once. */
export async function boot(
  compiled: CompiledProgram,
  { shared = false, memory: given, ...file }: BootOptions = {},
): Promise<Booted> {
  const loading = loadKernels(shared, file);
  // Compiled on other threads while this one lays out the weights.
  const compiling = compileEpilogues(compiled.epilogues, shared);
  for (const made of [loading, compiling]) made.catch(() => {});
  const memory = given ?? compiled.plan.allocate();
  const module = await loading;
  const kernels = await instantiateKernels(module, memory);
  prepare(compiled, memory, kernels);
  const { scratchBytes } = compiled.plan;
  const machine = { memory, kernels: module, epilogues: await compiling, scratchBytes };
  return { machine, runner: await Runner.on(kernels, machine) };
}

/** Lays out the weights. */
function prepare({ preparations }: CompiledProgram, memory: WebAssembly.Memory, kernels: Kernels) {
  const bytes = new Uint8Array(memory.buffer);
  for (const { data, address, list } of preparations) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), address);
    kernels.runList(list.address, list.count, 0, 0);
  }
}
