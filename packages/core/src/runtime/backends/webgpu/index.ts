import type { Program, ProgramTensors } from "../../../program/types.js";
import type { Backend } from "../../backend.js";
import { acquireGpu } from "./device.js";
import { type MakeOptions, WebgpuExecutable } from "./executable.js";

/** On a graphics adapter: in pages, and in Node by the package webgpu. */
export const webgpu: Backend = webgpuBackend();

/** options: for tests. */
export function webgpuBackend(options: MakeOptions = {}): Backend {
  return {
    name: "webgpu",
    ...{ threads: "one", exact: "integers", fast: true },

    async unavailable() {
      try {
        await acquireGpu();
        return undefined;
      } catch (error) {
        return (error as Error).message;
      }
    },

    compile: (program: Program, tensors: ProgramTensors, { memory }) =>
      WebgpuExecutable.create(program, tensors, { memory, ...options }),
  };
}

export default webgpu;
