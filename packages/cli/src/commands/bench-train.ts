import {
  type BesideCost,
  type DistillationCost,
  measureBeside,
  measureDistillation,
  measureObservation,
  measureTrainingSpeed,
  type ObservationCost,
  type StepCost,
  type TrainingSpeed,
} from "@onebit/train";
import { UsageError } from "onebit";
import { buildModel } from "onebit/models";
import { counted } from "onebit/words";
import { type ArchitectureFlags, architectureOptions } from "../flags/architecture.js";
import { machine } from "../machine.js";
import { isFile } from "../models-on-disk.js";
import { type Output, percent, table } from "../terminal.js";
import { version } from "../version.js";

interface Flags extends ArchitectureFlags {
  readonly teacher?: string;
  readonly observe?: number;
  readonly beside?: number;
  readonly batch?: number;
  readonly threads?: readonly number[];
}

/** `onebit bench --train`: images per second of training, and where a step goes; or what a teacher costs. */
export async function trainingBench(subject: string, flags: Flags, out: Output): Promise<void> {
  const { batch = 64, teacher, observe, beside } = flags;
  const { threads: numbers = [beside === undefined ? 2 : 1] } = flags;
  const [threads, ...others] = numbers;
  if (others.length) {
    throw new UsageError(`--threads ${numbers.join(",")}: one number is wanted with --train`);
  }
  if (isFile(subject)) {
    throw new UsageError(`${subject}: bench --train takes an architecture, such as bnext-18`);
  }
  if (beside !== undefined) {
    const model = { name: subject, ...architectureOptions(flags) };
    const cost = await measureBeside(model, { trainings: beside, batch, threads });
    out.result({ machine: machine(), version: version(), beside: cost });
    for (const line of besideLines(cost)) out.line(line);
    return;
  }
  const network = buildModel(subject, { ...architectureOptions(flags), batch });
  if (teacher !== undefined) {
    const cost = await measureDistillation(network, { teacher, threads });
    out.result({ machine: machine(), version: version(), distillation: cost });
    out.line(costTitle(cost));
    return out.line(costTable(cost));
  }
  if (observe !== undefined) {
    const cost = await measureObservation(network, { threads, every: observe });
    out.result({ machine: machine(), version: version(), observation: cost });
    for (const line of observationLines(cost)) out.line(line);
    return;
  }
  const speed = await measureTrainingSpeed(network, { threads });
  out.result({ machine: machine(), version: version(), training: speed });
  out.line(speedTable(speed));
  out.line();
  out.line(opTable(speed));
}

function speedTable(speed: TrainingSpeed): string {
  const rows = [
    [
      "one step",
      `${speed.medianMs.toFixed(0)} ms`,
      `p5 to p95 ${speed.p5Ms.toFixed(0)} to ${speed.p95Ms.toFixed(0)}`,
    ],
    ["images per second", speed.imagesPerSecond.toFixed(1), ""],
    [
      "arithmetic",
      `${speed.gflops.toFixed(1)} GFLOP/s`,
      "multiply-accumulates of forward and backward",
    ],
    [
      "3x3 convolutions alone",
      `${speed.convGflops.toFixed(1)} GFLOP/s`,
      "ONNX Runtime, forward, same run",
    ],
    ["fraction", percent(speed.fraction, 1), ""],
  ];
  const title = `${speed.model}, batch ${speed.batch}, ${counted(speed.threads, "thread")}`;
  return table([title, "", ""], rows, ["left", "right", "left"]);
}

function costTitle({ model, batch, threads, teacher, rounds }: DistillationCost): string {
  return `${model}, batch ${batch}, ${counted(threads, "thread")}, teacher ${teacher}, ${counted(rounds, "round")} in turns`;
}

function costTable({ plain, kept, asked }: DistillationCost): string {
  return stepTable({ "from labels": plain, "from kept logits": kept, "asking the teacher": asked });
}

function besideLines(cost: BesideCost): string[] {
  const { model, batch, threads, trainings, rounds, alone, together } = cost;
  const title = `${counted(trainings, "training")} of ${model}, batch ${batch}, ${counted(threads, "thread")} each, ${counted(rounds, "round")} in turns`;
  return [title, stepTable({ alone, "all at once": together })];
}

function observationLines(cost: ObservationCost): string[] {
  const { model, batch, threads, rounds, every, plain, unobserved, observed, share } = cost;
  const shares = ({ median, p25, p75 }: typeof share) =>
    `${percent(median)} of a step (middle half ${percent(p25)} to ${percent(p75)})`;
  return [
    `${model}, batch ${batch}, ${counted(threads, "thread")}, ${counted(rounds, "round")} in turns`,
    stepTable({ plain, "not observed": unobserved, observed }),
    `\nevery ${every} steps: ${shares(share)}; of processor time ${shares(cost.cpuShare)}`,
  ];
}

function stepTable(kinds: { readonly [title: string]: StepCost }): string {
  const between = ({ p25, p75 }: StepCost["ratio"]) => `${p25.toFixed(2)} to ${p75.toFixed(2)}`;
  const rows = Object.entries(kinds).map(([title, { medianMs, ratio, cpuRatio }]) => [
    ...[title, `${medianMs.toFixed(0)} ms`, ratio.median.toFixed(3), between(ratio)],
    ...[cpuRatio.median.toFixed(3), between(cpuRatio)],
  ]);
  const head = ["one step", "median", "ratio", "middle half", "processor time", "middle half"];
  return table(head, rows);
}

function opTable({ byOp }: TrainingSpeed): string {
  const total = byOp.reduce((sum, { ms }) => sum + ms, 0);
  const rows = byOp
    .slice(0, 16)
    .map(({ op, ms, calls }) => [op, calls.toFixed(0), ms.toFixed(1), percent(ms / total, 1)]);
  return table(["where a step goes", "calls", "ms", "share"], rows);
}
