import type { Phase, PhasePart, StepTables } from "./compile.js";

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
  readonly #scratchBytes: number;
  #scratch = 0;
  #shift = 0;

  static async instantiate(machine: Machine): Promise<Runner> {
    return Runner.on(await instantiateKernels(machine.kernels, machine.memory), machine);
  }

  static async on(kernels: Kernels, machine: Machine): Promise<Runner> {
    const { memory, scratchBytes } = machine;
    const env = { memory, sigmoid: kernels.sigmoid };
    const { exports } = await WebAssembly.instantiate(machine.epilogues, { env });
    return new Runner(kernels, exports, scratchBytes);
  }

  private constructor(kernels: Kernels, generated: WebAssembly.Exports, scratchBytes: number) {
    this.#kernels = kernels;
    const count = Object.keys(generated).length;
    this.#epilogues = Array.from(
      { length: count },
      (_, i) => generated[epilogueName(i)] as Epilogue,
    );
    this.#scratchBytes = scratchBytes;
  }

  /**
   * Where it works from now on; at first alone in the first arena. shift: bytes from the first arena
   * to the one meant (arenas.ts). thread: which one it is, from 0, of those that share that arena.
   */
  moveTo(shift: number, thread: number): void {
    this.#shift = shift;
    this.#scratch = thread * this.#scratchBytes;
    this.#kernels.setScratch(this.#scratch);
  }

  /** Calls `stepDone` after each step. */
  runSteps(steps: readonly StepTables[], stepDone: (index: number) => void = () => {}): void {
    steps.forEach((step, index) => {
      for (const phase of step) this.runPhase(phase);
      stepDone(index);
    });
  }

  runPhase(phase: Phase): void {
    for (const part of phase.parts) this.runRows(phase, part, 0, phase.rows);
  }

  /** Kernel and epilogue, block by block: what the kernel leaves is still in the cache. */
  runRows({ blockRows }: Phase, part: PhasePart, from: number, to: number): void {
    if (from === to) return;
    const { begin, list, epilogue } = part;
    const shift = this.#shift;
    if (begin) this.#kernels.runList(begin.address + shift, begin.count, from, to - from);
    for (let y = from; y < to; y += blockRows) {
      const rows = Math.min(blockRows, to - y);
      if (list) this.#kernels.runList(list.address + shift, list.count, y, rows);
      if (!epilogue) continue;
      this.#epilogues[epilogue.index](epilogue.table + shift, y, rows, this.#scratch);
    }
  }
}
