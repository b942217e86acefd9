import type { Phase, StepTables } from "./compile.js";

/** What kernels/index.ts exports. */
export interface Kernels {
  /** Runs instructions on a block of rows. */
  runList(address: number, count: number, firstRow: number, rows: number): void;
  setScratch(bytes: number): void;
  /** (v128) -> v128: for other modules only. */
  sigmoid: WebAssembly.ExportValue;
}

export async function instantiateKernels(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
): Promise<Kernels> {
  const { exports } = await WebAssembly.instantiate(module, { env: { memory } });
  return exports as unknown as Kernels;
}

type Epilogue = (table: number, firstRow: number, rows: number, scratch: number) => void;

/** Name of a generated function. */
export const epilogueName = (index: number) => `e${index}`;

/** What every thread needs to run a program's steps: can be sent to workers. */
export interface Machine {
  readonly memory: WebAssembly.Memory;
  readonly kernels: WebAssembly.Module;
  readonly epilogues: WebAssembly.Module;
  /** Bytes from the scratch of one thread to that of the next. */
  readonly scratchBytes: number;
}

/** Kernels and generated code of one thread on a program's memory. */
export class Runner {
  readonly #kernels: Kernels;
  readonly #epilogues: readonly Epilogue[];
  readonly #scratch: number;

  /** thread: counted from 0. */
  static async instantiate(machine: Machine, thread: number): Promise<Runner> {
    const kernels = await instantiateKernels(machine.kernels, machine.memory);
    return Runner.on(kernels, machine, thread);
  }

  static async on(kernels: Kernels, machine: Machine, thread = 0): Promise<Runner> {
    const { memory, scratchBytes } = machine;
    const env = { memory, sigmoid: kernels.sigmoid };
    const { exports } = await WebAssembly.instantiate(machine.epilogues, { env });
    return new Runner(kernels, exports, thread * scratchBytes);
  }

  private constructor(kernels: Kernels, generated: WebAssembly.Exports, scratch: number) {
    this.#kernels = kernels;
    const count = Object.keys(generated).length;
    this.#epilogues = Array.from(
      { length: count },
      (_, i) => generated[epilogueName(i)] as Epilogue,
    );
    this.#scratch = scratch;
    kernels.setScratch(scratch);
  }

  runStep(step: StepTables): void {
    for (const phase of step) this.runRows(phase, 0, phase.rows);
  }

  /** Kernel and epilogue, block by block: what the kernel leaves is still in the cache. */
  runRows({ list, blockRows, epilogue }: Phase, from: number, to: number): void {
    for (let y = from; y < to; y += blockRows) {
      const rows = Math.min(blockRows, to - y);
      if (list) this.#kernels.runList(list.address, list.count, y, rows);
      if (epilogue) this.#epilogues[epilogue.index](epilogue.table, y, rows, this.#scratch);
    }
  }
}
