import { type BackendName, OnebitError } from "onebit";
import { type ConformanceReport, runConformance, subjectsHere } from "onebit/conformance";
import { counted } from "onebit/words";
import { backendList } from "../flags/backend.js";
import { command } from "../flags/command.js";
import { flag } from "../flags/flag.js";
import { json } from "../flags/json.js";
import { seed } from "../flags/seed.js";
import { threadList } from "../flags/threads.js";
import { abortOnInterrupt } from "../interrupt.js";
import { machine } from "../machine.js";
import { bar, StatusLine } from "../progress.js";
import { count, type Output, percent, table, terminalOutput } from "../terminal.js";
import { version } from "../version.js";

/** How much is tried of what. */
const QUICK = { convolutions: 3200, networks: 300, faults: 4 } as const;
const FULL = { convolutions: 100_000, networks: 3000, faults: 100 } as const;

export const selftest = command({
  name: "selftest",
  arguments: [],
  about: "check this machine's backends, bit for bit, on random convolutions and networks",
  flags: [
    flag("--full", "100,000 convolutions per backend instead of 3,200"),
    backendList.otherwise("all that load"),
    threadList.otherwise("1,2"),
    seed.byDefault(1),
    json,
  ],
  async run(_, { backend, threads = [1, 2], seed, full, json }) {
    const out = terminalOutput({ json });
    const { subjects, reasons } = await subjectsHere(namesOf(backend), threads);
    if (!subjects.length) {
      const why = Object.entries(reasons).map(([name, reason]) => `${name}: ${reason}`);
      throw new OnebitError(`selftest: no backend runs here: ${why.join("; ")}`);
    }
    const interrupt = abortOnInterrupt();
    const status = new StatusLine();
    const progress = (doing: string, fraction: number) => status.show(`${bar(fraction)} ${doing}`);
    try {
      const counts = full ? FULL : QUICK;
      const { signal } = interrupt;
      const report = await runConformance({ subjects, ...counts, seed, progress, signal });
      status.clear();
      conclude(out, report, reasons);
    } finally {
      status.clear();
      interrupt.dispose();
    }
  },
});

function namesOf(
  backends: readonly (BackendName | "auto")[] = ["auto"],
): readonly BackendName[] | undefined {
  const names = backends.filter((name) => name !== "auto");
  return names.length === backends.length ? names : undefined;
}

/** Prints what was tried; OnebitError where something was wrong. */
export function conclude(
  out: Output,
  report: ConformanceReport,
  reasons: { readonly [backend: string]: string },
): void {
  const { cpu, cores, platform, node } = machine();
  out.result({ machine: machine(), version: version(), passedOver: reasons, ...report });
  out.line(`${cpu}, ${counted(cores, "core")}, ${platform}, Node ${node}, seed ${report.seed}\n`);
  out.line(subjectTable(report));
  for (const [name, reason] of Object.entries(reasons)) {
    out.line(`${name}: passed over: ${reason}`);
  }
  out.line(`\n${kernelTable(report)}`);
  out.line(`\n${distributionTable(report)}`);
  out.line(`\n${faultTable(report)}\n`);
  if (!report.ok) throw failed(report);
  out.line(`passed: none of ${count(report.integers)} integers differs, nor any network`);
}

function failed({ subjects, failures }: ConformanceReport): OnebitError {
  const wrong = subjects.reduce((sum, subject) => sum + subject.wrong, 0);
  const list = failures.map((failure) => `\n  ${failure}`).join("");
  return new OnebitError(
    `selftest: wrong results: ${count(wrong)}; please report this with the machine and these lines:${list}`,
  );
}

function subjectTable({ subjects }: ConformanceReport): string {
  const rows = subjects.map((subject) => [
    subject.backend,
    `${subject.threadsAtWork} of ${subject.threads}`,
    count(subject.convolutions),
    subject.networks === 0 ? "is the reference" : count(subject.networks),
    count(subject.wrong),
    (subject.milliseconds / 1000).toFixed(1),
  ]);
  return table(["backend", "threads", "convolutions", "networks", "wrong", "seconds"], rows);
}

/** All thread counts together. */
function kernelTable({ subjects }: ConformanceReport): string {
  const rows = new Map<string, [convolutions: number, allEqual: number, allOpposite: number]>();
  for (const { backend, kernels } of subjects) {
    for (const [kernel, tried] of Object.entries(kernels)) {
      const name = `${kernel} (${backend})`;
      const [convolutions, allEqual, allOpposite] = rows.get(name) ?? [0, 0, 0];
      rows.set(name, [
        convolutions + tried.convolutions,
        allEqual + tried.allEqual,
        allOpposite + tried.allOpposite,
      ]);
    }
  }
  if (!rows.size) return "kernels: none of these backends names what it chose";
  const cells = [...rows].map(([name, counts]) => [name, ...counts.map(count)]);
  return table(["kernel", "convolutions", "all equal", "all opposite"], cells);
}

function distributionTable({ distribution }: ConformanceReport): string {
  const rows = distribution.map(({ what, atLeast, share }) => [
    what,
    percent(share, 1),
    percent(atLeast, 0),
  ]);
  return table(["convolutions with", "tried", "at least"], rows);
}

function faultTable({ faults }: ConformanceReport): string {
  const rows = faults.map(({ fault, seeded, caught, slowest }) => [
    fault,
    count(seeded),
    count(caught),
    count(slowest),
  ]);
  return table(["mistake made on purpose", "times", "found", "convolutions needed"], rows);
}
