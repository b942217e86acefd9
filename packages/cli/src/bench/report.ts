import type { machine } from "../machine.js";
import type { BenchResult } from "./inference.js";
import type { BenchKernels } from "./kernels.js";

/** What `onebit bench --json` prints. */
export interface BenchReport {
  readonly machine: ReturnType<typeof machine>;
  readonly version: string;
  readonly results: readonly BenchResult[];
  readonly kernels?: BenchKernels;
}
