import { nativeIsas, nativeWith } from "@onebit/native";
import type { Backend } from "onebit";
import { type Random, subjectsHere } from "onebit/conformance";

/** A backend as an input is tried on it. */
export interface Trial {
  readonly name: string;
  readonly backend: Backend;
  readonly threads: number;
  /** Worker threads take a tenth of a second to start. */
  readonly waits: boolean;
}

const WASM_THREADS_EVERY = 32;
const isas = nativeIsas();
const [{ backend: wasm }] = (await subjectsHere(["wasm"], [1])).subjects;

/**
 * What is compared with the reference backend: WebAssembly, for some inputs with its worker threads,
 * and two threads of one of the native instruction sets.
 */
export function trialsFor(random: Random): Trial[] {
  const trials: Trial[] = [{ name: "wasm", backend: wasm, threads: 1, waits: false }];
  if (random.int(1, WASM_THREADS_EVERY) === 1)
    trials.push({ name: "wasm, 2 threads", backend: wasm, threads: 2, waits: true });
  if (isas.length === 0) return trials;
  const isa = random.pick(isas);
  const backend = nativeWith({ isa, apart: random.chance(0.5) });
  return [...trials, { name: `${isa}, 2 threads`, backend, threads: 2, waits: false }];
}
