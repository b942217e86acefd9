import { OnebitError } from "../../../errors.js";
import { elementCount } from "../../../program/geometry.js";
import { readsOf, writesOf } from "../../../program/micro-ops.js";
import type { BinaryConvStep, Program, ProgramTensors } from "../../../program/types.js";
import { checkMemory } from "../../budget.js";
import { Arena, type Slot } from "./arena.js";
import { type ChooseForm, compileStep } from "./compile-step.js";
import { type Compiling, type Dispatch, pixelsOf, pixelWords } from "./compiling.js";
import { Constants } from "./constants.js";
import { type Form, sharedBytes, TILED_FORMS, type TiledForm, threadsOf } from "./forms.js";

/** What of a device's limits programs can come up against. */
export const LIMITS = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxUniformBufferBindingSize",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupsPerDimension",
] as const;
export type Limits = { readonly [L in (typeof LIMITS)[number]]: number };

export type PreferForm = (
  program: Program,
  step: BinaryConvStep,
  fitting: readonly TiledForm[],
) => Form;

export interface CompileSettings {
  readonly limits: Limits;
  /** Threads that a subgroup has at least. Default: 1, shaders may not use subgroups. */
  readonly subgroup?: number;
  readonly memory?: number;
  /** Of the forms that the adapter has room for. Default: the first of TILED_FORMS. */
  readonly prefer?: PreferForm;
}

/** A program as shaders, and where everything lies. Pure: no GPU has been asked. */
export interface CompiledProgram {
  readonly program: Program;
  /** By value id. */
  readonly slots: readonly Slot[];
  /** Of one image. */
  readonly arenaWords: number;
  readonly constants: Constants;
  /** Step by step. */
  readonly steps: readonly (readonly Dispatch[])[];
  readonly kernels: readonly string[];
  /** Arena, weights and tables, for one image. */
  readonly memoryBytes: number;
}

export function compileProgram(
  program: Program,
  tensors: ProgramTensors,
  settings: CompileSettings,
): CompiledProgram {
  const arena = new Arena();
  const constants = new Constants();
  const slots = reserveValues(program, arena);
  const { subgroup = 1 } = settings;
  const compiling: Compiling = { program, tensors, arena, slots, constants, subgroup };
  const steps = program.steps.map((step, index) => {
    const fits = new StepLimits(program, index, settings);
    const compiled = compileStep(compiling, step, index, fits.chooseForm);
    for (const dispatch of compiled.dispatches) fits.check(dispatch);
    return compiled;
  });
  arena.layOut();
  const memoryBytes = 4 * (arena.words + constants.words);
  checkMemory("webgpu", memoryBytes, settings.memory);
  checkBuffers(program, arena, constants, settings.limits);
  return {
    ...{ program, slots, constants, memoryBytes },
    arenaWords: arena.words,
    steps: steps.map(({ dispatches }) => dispatches),
    kernels: steps.map(({ kernel }) => kernel),
  };
}

/** From the step that first writes a value to the last that reads it; outputs are read at the end. */
function reserveValues(program: Program, arena: Arena): Slot[] {
  const { values, steps, input, outputs } = program;
  const first = values.map((_, id) => (id === input ? -1 : Number.POSITIVE_INFINITY));
  const last = values.map(() => -1);
  const kept = new Set(Object.values(outputs));
  steps.forEach((step, index) => {
    for (const id of writesOf(step)) {
      first[id] = Math.min(first[id], index);
      last[id] = index;
    }
    for (const id of readsOf(step)) last[id] = index;
  });
  return values.map(({ shape }, id) => {
    const words = pixelsOf(shape) * pixelWords(program, id);
    return arena.reserve(words, first[id], kept.has(id) ? Number.POSITIVE_INFINITY : last[id]);
  });
}

/** What the adapter allows a step. */
class StepLimits {
  readonly #program: Program;
  readonly #name: string;
  readonly #settings: CompileSettings;

  constructor(program: Program, index: number, settings: CompileSettings) {
    this.#name = stepName(program, index);
    this.#program = program;
    this.#settings = settings;
  }

  readonly chooseForm: ChooseForm = (step, gathered) => {
    const { limits, prefer } = this.#settings;
    const threads = limits.maxComputeInvocationsPerWorkgroup;
    const shared = limits.maxComputeWorkgroupStorageSize;
    const able = TILED_FORMS.filter((form) => threadsOf(form) <= threads);
    if (able.length === 0) {
      throw this.#beyond("threads of a workgroup", 64, "maxComputeInvocationsPerWorkgroup");
    }
    const fitting = able.filter((form) => sharedBytes(form, gathered) <= shared);
    if (fitting.length === 0) {
      const least = Math.min(...able.map((form) => sharedBytes(form, gathered)));
      throw this.#beyond("bytes of workgroup memory", least, "maxComputeWorkgroupStorageSize");
    }
    return prefer?.(this.#program, step, fitting) ?? fitting[0];
  };

  check({ params, threads, workgroups }: Dispatch): void {
    const { limits } = this.#settings;
    if (threads > limits.maxComputeInvocationsPerWorkgroup) {
      throw this.#beyond("threads of a workgroup", threads, "maxComputeInvocationsPerWorkgroup");
    }
    const most = limits.maxComputeWorkgroupsPerDimension ** 2;
    if (workgroups > most) {
      throw this.#beyond("workgroups", workgroups, "maxComputeWorkgroupsPerDimension", most);
    }
    const bytes = 4 * params.words(0).length;
    if (bytes > limits.maxUniformBufferBindingSize) {
      throw this.#beyond("bytes of parameters", bytes, "maxUniformBufferBindingSize");
    }
  }

  #beyond(what: string, needed: number, limit: keyof Limits, most?: number): OnebitError {
    return beyond(`${this.#name}: needs ${needed} ${what}`, this.#settings.limits, limit, most);
  }
}

function stepName({ steps }: Program, index: number): string {
  const [covered] = steps[index].covers;
  return `step ${index} (${covered ?? steps[index].kind})`;
}

function beyond(needs: string, limits: Limits, limit: keyof Limits, most = limits[limit]) {
  return new OnebitError(
    `webgpu: ${needs}, more than the ${most} of this adapter (${limit}): run it with backend "wasm"`,
  );
}

function checkBuffers(program: Program, arena: Arena, constants: Constants, limits: Limits): void {
  const step = stepName(program, arena.fullest(program.steps.length));
  const needs = [
    [`${step}: needs ${4 * arena.words} bytes for the values in use there`, 4 * arena.words],
    [`needs ${4 * constants.words} bytes for weights and tables`, 4 * constants.words],
  ] as const;
  for (const [what, bytes] of needs) {
    for (const limit of ["maxStorageBufferBindingSize", "maxBufferSize"] as const) {
      if (bytes > limits[limit]) throw beyond(what, limits, limit);
    }
  }
}

/** Numbers of a value, for one image. */
export function sizeOf({ values }: Program, id: number): number {
  return elementCount(values[id].shape);
}
