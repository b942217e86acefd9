/**
 * The native backend: C++ for AMX, AVX-512, AVX2 and NEON. onebit loads it by itself where it is.
 *
 * ```ts
 * import { native, nativeIsas } from "@onebit/native";
 *
 * const reason = await native.unavailable();
 * console.log(reason ?? `it runs: ${nativeIsas()}`);
 * ```
 *
 * @module @onebit/native
 */

import { type Backend, DEFAULT_BUDGET, OnebitError } from "onebit";
import { loadAddon } from "./addon.js";
import { encodeProgram } from "./encode.js";
import { NativeExecutable, orOnebitError } from "./executable.js";

export { distances, distancesWith } from "./distances.js";

/** Which kernels of the addon run. */
export interface NativeOptions {
  /**
   * "avx512", "avx2", "scalar" or "neon"; default: the environment variable ONEBIT_NATIVE_ISA, else
   * the best that this processor has.
   */
  readonly isa?: string;
  /** Values share no memory and guards lie between them: for tests. */
  readonly apart?: boolean;
}

/** Instruction sets that can be chosen here, best first; none where the addon is missing. */
export function nativeIsas(): readonly string[] {
  const loaded = loadAddon();
  return "addon" in loaded ? loaded.addon.isas() : [];
}

/** The native backend with an instruction set of your choice. */
export function nativeWith({ isa, apart = false }: NativeOptions): Backend {
  return {
    name: "native",
    ...{ threads: "many", exact: "bits", fast: true },

    async unavailable() {
      const loaded = loadAddon();
      return "addon" in loaded ? undefined : loaded.reason;
    },

    async compile(program, tensors, { threads, memory = DEFAULT_BUDGET.memory }) {
      const loaded = loadAddon();
      if (!("addon" in loaded)) throw new OnebitError(`native: ${loaded.reason}`);
      const { addon } = loaded;
      const { code, tensors: data } = encodeProgram(program, tensors);
      const chosen = isa ?? process.env.ONEBIT_NATIVE_ISA ?? "";
      const most = Math.max(0, Math.min(Math.floor(memory), Number.MAX_SAFE_INTEGER));
      const handle = orOnebitError(() => addon.compile(code, data, threads, chosen, apart, most));
      return new NativeExecutable(addon, handle, program, threads);
    },
  };
}

/** C++ kernels: AVX-512, AVX2, NEON, chosen by what the processor has. */
export const native: Backend = nativeWith({});

export default native;
