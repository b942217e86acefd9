import type { TensorSpec } from "onebit/graph";
import { matchesKey } from "../state/patterns.js";
import type { GroupRule, OptimiserConfig } from "./config.js";

/** A contiguous range of the flat arrays that is updated with one set of hyper-parameters. */
export interface ParameterGroup {
  readonly name: string;
  readonly kind: string;
  readonly weightDecay: number;
  readonly learningRateScale: number;
  readonly start: number;
  readonly end: number;
}

/** Index into config.groups, or config.groups.length for tensors that fit none. */
export function groupOf(key: string, spec: TensorSpec, config: OptimiserConfig): number {
  const index = config.groups.findIndex((rule) => fits(rule, key, spec));
  return index < 0 ? config.groups.length : index;
}

function fits(rule: GroupRule, key: string, spec: TensorSpec): boolean {
  if (rule.rank !== undefined && spec.shape.length === rule.rank) return true;
  if (rule.nameIncludes !== undefined && key.includes(rule.nameIncludes)) return true;
  if (rule.pattern !== undefined && matchesKey(rule.pattern, key)) return true;
  return rule.role !== undefined && spec.role === rule.role;
}

/** Factor on the learning rate that a tensor's key gives it. */
export function rateOf(key: string, { rates = [] }: OptimiserConfig): number {
  return rates.find(({ pattern }) => matchesKey(pattern, key))?.factor ?? 1;
}

/** Of group `index` of a configuration; of all other tensors where there is no such group. */
export function groupSettings(
  index: number,
  config: OptimiserConfig,
): Omit<ParameterGroup, "start" | "end"> {
  const { name, kind, weightDecay, learningRateScale = 1 } = config.groups[index] ?? REST;
  return {
    ...{ name, learningRateScale },
    kind: kind ?? config.kind,
    weightDecay: weightDecay ?? config.weightDecay,
  };
}

const REST: GroupRule = { name: "rest" };
