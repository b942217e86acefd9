import type { TensorSpec } from "onebit/graph";
import type { GroupRule, OptimiserConfig } from "./config.js";

/** A contiguous range of the flat arrays that is updated with one set of hyper-parameters. */
export interface ParameterGroup {
  readonly name: string;
  readonly weightDecay: number;
  readonly learningRateScale: number;
  readonly start: number;
  readonly end: number;
}

/** One optimiser step over one group. Arrays are the flat ones; [start, end) is the group's range. */
export interface GroupStep {
  readonly start: number;
  readonly end: number;
  readonly learningRate: number;
  readonly weightDecay: number;
  /** 1 for the first step. */
  readonly step: number;
  /** Factor on the gradient (averaging, clipping). */
  readonly gradientScale: number;
}

/** Index into config.groups, or config.groups.length for tensors that fit none. */
export function groupOf(key: string, spec: TensorSpec, config: OptimiserConfig): number {
  const index = config.groups.findIndex((rule) => fits(rule, key, spec));
  return index < 0 ? config.groups.length : index;
}

function fits(rule: GroupRule, key: string, spec: TensorSpec): boolean {
  if (rule.rank !== undefined && spec.shape.length === rule.rank) return true;
  if (rule.nameIncludes !== undefined && key.includes(rule.nameIncludes)) return true;
  return rule.role !== undefined && spec.role === rule.role;
}

export function groupSettings(
  index: number,
  config: OptimiserConfig,
): Pick<ParameterGroup, "name" | "weightDecay" | "learningRateScale"> {
  const rule = config.groups[index];
  if (!rule) return { name: "rest", weightDecay: config.weightDecay, learningRateScale: 1 };
  return {
    name: rule.name,
    weightDecay: rule.weightDecay,
    learningRateScale: rule.learningRateScale ?? 1,
  };
}
