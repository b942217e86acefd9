import { describe } from "../describe.js";
import { OnebitError, UsageError } from "../errors.js";
import { programCost } from "../program/cost.js";
import type { Program, ProgramTensors } from "../program/types.js";
import type { Backend, CompileOptions, Executable } from "./backend.js";
import { loadNative } from "./backends/native/index.js";
import { BudgetError, workOf } from "./budget.js";

/** The backends that there are, fastest first, each loaded when it is wanted. */
const loaders = {
  native: loadNative,
  webgpu: async () => (await import("./backends/webgpu/index.js")).webgpu,
  wasm: async () => (await import("./backends/wasm/index.js")).wasm,
  reference: async () => (await import("./backends/reference/index.js")).reference,
} satisfies { readonly [name: string]: () => Promise<Backend> };

/** The name of a backend of onebit's own. */
export type BackendName = keyof typeof loaders;

/** Fastest first. */
export const BACKENDS = Object.keys(loaders) as readonly BackendName[];

/** What "auto" tries in turn; a GPU has to win against what that finds (backends/webgpu/contest.ts). */
const TRIED = BACKENDS.filter((name) => name !== "webgpu");

/** A backend by name, one of your own, or "auto": the fastest that loads, or a GPU where it wins. */
export type BackendChoice = "auto" | BackendName | Backend;

export interface Chosen {
  readonly backend: Backend;
  readonly executable: Executable;
  /** Why others were passed over, by name. */
  readonly reasons: { readonly [backend: string]: string };
}

/** Begins to load what a choice will need, so that it is there when the file has been read. */
export function beginLoading(choice: BackendChoice, options: CompileOptions): void {
  if (typeof choice !== "string") return;
  // Failures come again, and are told, when the program is compiled.
  firstAvailable(choice === "auto" ? TRIED : [choice], options).catch(() => {});
}

async function firstAvailable(names: readonly BackendName[], options: CompileOptions) {
  for (const name of names) {
    const backend = await loaders[name]();
    if ((await backend.unavailable(options)) === undefined) return;
  }
}

/** Compiles a program for the chosen backend. */
export async function compileFor(
  choice: BackendChoice,
  program: Program,
  tensors: ProgramTensors,
  options: CompileOptions,
): Promise<Chosen> {
  if (choice !== "auto") {
    const backend = await backendFor(choice);
    const made = await compileOn(backend, program, tensors, options);
    if (typeof made === "string") throw new OnebitError(`backend ${backend.name}: ${made}`);
    return { backend, executable: made, reasons: {} };
  }
  const reasons: { [backend: string]: string } = {};
  for (const name of TRIED) {
    try {
      const backend = await loaders[name]();
      const made = await compileOn(backend, program, tensors, options);
      if (typeof made !== "string") {
        if (!backend.fast) warnOnce(backend.name, reasons);
        const chosen = { backend, executable: made, reasons };
        return await againstGpu(chosen, program, tensors, options);
      }
      reasons[name] = made;
    } catch (error) {
      // Slower backends take about as much.
      if (error instanceof BudgetError) throw error;
      reasons[name] = (error as Error).message;
    }
  }
  const tried = Object.entries(reasons).map(([name, reason]) => `${name}: ${reason}`);
  throw new OnebitError(`no backend can run this model: ${tried.join("; ")}`);
}

/** Multiply-adds, of which 32 binary ones count as one: less is done before a GPU answers. */
const GPU_WORK = 2e7;

async function againstGpu(
  chosen: Chosen,
  program: Program,
  tensors: ProgramTensors,
  options: CompileOptions,
): Promise<Chosen> {
  if (!(globalThis.navigator as Navigator | undefined)?.gpu) return chosen;
  if (workOf(programCost(program)) < GPU_WORK) {
    return { ...chosen, reasons: { ...chosen.reasons, webgpu: "not tried: a small network" } };
  }
  const { contest } = await import("./backends/webgpu/contest.js");
  return contest(chosen, loaders.webgpu, program, tensors, options);
}

let warned = false;

/** Hundreds of times slower: nobody should wonder why. */
function warnOnce(backend: string, reasons: Chosen["reasons"]): void {
  if (warned) return;
  warned = true;
  const passedOver = Object.entries(reasons).map(([name, reason]) => `\n  ${name}: ${reason}`);
  console.warn(
    `onebit: networks run on the ${backend} backend, which is slow, because the others cannot run here:${passedOver.join("")}`,
  );
}

/** The compiled program, or why the backend cannot run here: to find out takes time, used meanwhile. */
async function compileOn(
  backend: Backend,
  program: Program,
  tensors: ProgramTensors,
  options: CompileOptions,
): Promise<Executable | string> {
  const asked = backend.unavailable(options);
  const compiling = backend.compile(program, tensors, options);
  // Told below, unless the reason is.
  compiling.catch(() => {});
  const reason = await asked;
  if (reason === undefined) return compiling;
  compiling.then(
    (made) => made.dispose(),
    () => {},
  );
  return reason;
}

/** UsageError unless it is a backend, or the name of one. */
export function checkBackend(choice: unknown): void {
  if (typeof choice === "string" && (choice === "auto" || Object.hasOwn(loaders, choice))) return;
  const own = typeof choice === "object" ? (choice as Partial<Backend> | null) : undefined;
  if (typeof own?.compile === "function" && typeof own.unavailable === "function") return;
  const names = ["auto", ...BACKENDS].join(", ");
  throw new UsageError(`unknown backend ${describe(choice)}: there are ${names}`);
}

/** A backend by name; whether it can run here is its own to say. */
export async function backendFor(choice: BackendName | Backend): Promise<Backend> {
  checkBackend(choice);
  return typeof choice === "string" ? loaders[choice]() : choice;
}
