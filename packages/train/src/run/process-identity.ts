import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

/** Tells a process from all others, also from a later one of the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly host: string;
  /** Of the machine, since it was started; null where the system does not say. */
  readonly boot: string | null;
  /** Within which `pid` counts: containers have their own; null where the system does not say. */
  readonly namespace: string | null;
  /** When the process started, in ticks since boot; null where the system does not say. */
  readonly started: string | null;
}

export function thisProcess(): ProcessIdentity {
  const { pid } = process;
  return { pid, host: hostname(), boot: boot(), namespace: namespace(), started: startOf(pid) };
}

export type Fate = "runs" | "ended" | "unknown";

/** Whether a process still runs; unknown where it is one of another machine or container. */
export function fateOf(other: ProcessIdentity): Fate {
  const here = thisProcess();
  if (other.host !== here.host) return "unknown";
  // Nothing outlives a restart of the machine.
  if (other.boot !== here.boot) return "ended";
  if (other.namespace !== here.namespace) return "unknown";
  if (!exists(other.pid)) return "ended";
  const isLater = other.started !== null && startOf(other.pid) !== other.started;
  return isLater ? "ended" : "runs";
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // There is one, of another user.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function boot(): string | null {
  return orNull(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim());
}

function namespace(): string | null {
  return orNull(() => readlinkSync("/proc/self/ns/pid"));
}

/** Field 22 of proc(5), stat: the 20th after the name, which may hold spaces and brackets. */
function startOf(pid: number): string | null {
  return orNull(() => {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // A process that has ended, but that its parent has not asked about.
    return fields[0] === "Z" ? null : fields[19];
  });
}

function orNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}
