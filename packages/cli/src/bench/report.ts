import { counted } from "onebit/words";
import type { machine } from "../machine.js";
import type { BenchResult, FailedPeer } from "./inference.js";
import type { BenchKernels } from "./kernels.js";

/** What `onebit bench --json` prints. */
export interface BenchReport {
  readonly machine: ReturnType<typeof machine>;
  readonly version: string;
  /** Programs that wanted a core in the minute before the measurement: 0 on an idle machine. */
  readonly loadAverage: number;
  readonly results: readonly BenchResult[];
  /** Peers that do not run a network, with the reason. */
  readonly failed: readonly FailedPeer[];
  readonly kernels?: BenchKernels;
}

/** A warning where other programs were running; times are comparable within a report only. */
export function busyLine({
  loadAverage,
  machine,
}: Pick<BenchReport, "loadAverage" | "machine">): string | undefined {
  if (loadAverage < 0.5) return undefined;
  return `other programs were running (load average ${loadAverage.toFixed(1)} on ${counted(machine.cores, "core")}): the machine can do better than this`;
}
