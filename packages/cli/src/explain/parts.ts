import type { PortLimit } from "../bench/port-limit.js";
import { percent } from "../terminal.js";
import type { ExplainedStep } from "./explain.js";

/** A share of a run that one cause explains. */
export interface Part {
  readonly name: string;
  readonly milliseconds: number;
  /** Of the whole run. */
  readonly share: number;
  /** 10^9 multiply-adds per second, where there are any. */
  readonly gmacs?: number;
  /** Nanoseconds per element-wise operation, where that is what it does. */
  readonly nsPerOperation?: number;
  readonly change: Change;
}

/** What would make the total smaller, from the same figures. */
export interface Change {
  readonly what: string;
  /** The whole run then. */
  readonly totalMs: number;
}

/**
 * A run of `total` milliseconds as disjoint parts, largest first. Binary convolutions are split by
 * what each takes alone (measured apart): the rest of such a step is the float work fused behind it.
 */
export function partsOf(steps: readonly ExplainedStep[], total: number): Part[] {
  const binary = steps.filter(({ role }) => role === "binary");
  const groups = groupBy(binary, binaryName);
  const parts = [
    ...[...groups].map(([name, members]) => binaryPart(name, members, total)),
    ...fusedPart(binary, total),
    ...realParts(steps, total),
    outsidePart(steps, total),
  ];
  return parts.sort((a, b) => b.milliseconds - a.milliseconds);
}

function binaryName({ geometry, depthwise }: ExplainedStep): string {
  const [kernel] = geometry.split(" ");
  return depthwise ? `${DEPTHWISE} ${kernel}` : `binary ${kernel}`;
}

/** How the names of parts begin that are depthwise. */
export const DEPTHWISE = "binary depthwise";

function binaryPart(name: string, steps: readonly ExplainedStep[], total: number): Part {
  const milliseconds = sum(steps, aloneMs);
  const gmacs = sum(steps, ({ binaryMacs }) => binaryMacs) / milliseconds / 1e6;
  const change = changeOf(steps, milliseconds, total);
  return { name, milliseconds, share: milliseconds / total, gmacs, change };
}

/** Up to the port limit where one is known, else up to the best of these layers. */
function changeOf(steps: readonly ExplainedStep[], milliseconds: number, total: number): Change {
  const limits = steps.map(({ limit }) => limit);
  if (limits.every((limit): limit is PortLimit => limit !== undefined)) {
    const least = sum(steps, ({ binaryMacs, limit }) => binaryMacs / limit!.gmacs / 1e6);
    const reached = percent(least / milliseconds, 0);
    const what = `it reaches ${reached} of the port limit of ${formsOf(steps)}; at the limit`;
    return { what, totalMs: total - milliseconds + Math.min(least, milliseconds) };
  }
  const best = steps.reduce((a, b) => (rateOf(a) >= rateOf(b) ? a : b));
  const least = sum(steps, ({ binaryMacs }) => binaryMacs / rateOf(best) / 1e6);
  const what = `its best layer (${best.name}) reaches ${rateOf(best).toFixed(0)} G/s; if all did`;
  return { what, totalMs: total - milliseconds + least };
}

/** The kernels that a part's limit comes from, with their shares of its work where there are several. */
function formsOf(steps: readonly ExplainedStep[]): string {
  const forms = [...groupBy(steps, ({ limit }) => limit!.form)];
  if (forms.length === 1) return forms[0][0];
  const macs = (members: readonly ExplainedStep[]) => sum(members, ({ binaryMacs }) => binaryMacs);
  const shares = forms.map(([form, members]) => ({ form, share: macs(members) / macs(steps) }));
  shares.sort((a, b) => b.share - a.share);
  return shares
    .map(({ form, share }) => `${form} (${percent(share, 0)} of its work)`)
    .join(" and ");
}

/** A difference of two measurements: good for the sum, too coarse to compare its steps. */
function fusedPart(binary: readonly ExplainedStep[], total: number): Part[] {
  if (!binary.some(({ binaryAloneMs }) => binaryAloneMs !== undefined)) return [];
  const milliseconds = sum(binary, (step) => step.milliseconds - aloneMs(step));
  const operations = sum(binary, ({ elementwise }) => elementwise);
  const nsPerOperation = operations > 0 ? (1e6 * milliseconds) / operations : undefined;
  const change = { what: "without it", totalMs: total - milliseconds };
  const name = "float work fused behind binary convolutions";
  return [{ name, milliseconds, share: milliseconds / total, nsPerOperation, change }];
}

/** What the parts that are no binary convolutions are called. */
export const realNames = {
  stem: "stem",
  gate: "gates",
  classifier: "classifier",
  real: "other real layers",
  pool: "pools",
  "element-wise": "element-wise passes of their own",
} as const;

function realParts(steps: readonly ExplainedStep[], total: number): Part[] {
  return (Object.keys(realNames) as (keyof typeof realNames)[]).flatMap((role) => {
    const members = steps.filter((step) => step.role === role);
    if (!members.length) return [];
    const macs = sum(members, (step) => step.macs);
    if (macs === 0) return [elementwisePart(realNames[role], members, total)];
    const milliseconds = sum(members, (step) => step.milliseconds);
    const gmacs = macs / milliseconds / 1e6;
    const change = { what: "without it", totalMs: total - milliseconds };
    return [{ name: realNames[role], milliseconds, share: milliseconds / total, gmacs, change }];
  });
}

/** What a run takes besides its steps. */
function outsidePart(steps: readonly ExplainedStep[], total: number): Part {
  const milliseconds = Math.max(0, total - sum(steps, (step) => step.milliseconds));
  const change = { what: "without it", totalMs: total - milliseconds };
  const name = "the call: all besides the steps, such as the way to another thread and back";
  return { name, milliseconds, share: milliseconds / total, change };
}

/** Steps with less of a part's work say nothing about what is possible: their time is overhead. */
const REPRESENTATIVE = 0.02;

function elementwisePart(name: string, steps: readonly ExplainedStep[], total: number): Part {
  const milliseconds = sum(steps, (step) => step.milliseconds);
  const operations = sum(steps, ({ elementwise }) => elementwise);
  const share = milliseconds / total;
  const cost = (step: ExplainedStep) => (1e6 * step.milliseconds) / step.elementwise;
  const large = steps.filter(({ elementwise }) => elementwise > REPRESENTATIVE * operations);
  if (!large.length) {
    const change = { what: "without it", totalMs: total - milliseconds };
    return { name, milliseconds, share, change };
  }
  const best = large.reduce((a, b) => (cost(a) <= cost(b) ? a : b));
  const least = (operations * cost(best)) / 1e6;
  const what = `its best step (${best.name}) takes ${cost(best).toFixed(2)} ns per operation; if all did`;
  const change = { what, totalMs: total - milliseconds + Math.min(least, milliseconds) };
  return { name, milliseconds, share, nsPerOperation: (1e6 * milliseconds) / operations, change };
}

/** A step is never faster than the convolution in it, whatever two measurements say. */
function aloneMs({ binaryAloneMs, milliseconds }: ExplainedStep): number {
  return Math.min(binaryAloneMs ?? milliseconds, milliseconds);
}

function rateOf(step: ExplainedStep): number {
  return step.binaryMacs / aloneMs(step) / 1e6;
}

function sum<T>(list: readonly T[], value: (item: T) => number): number {
  return list.reduce((total, item) => total + value(item), 0);
}

function groupBy<T>(list: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of list) groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);
  return groups;
}
