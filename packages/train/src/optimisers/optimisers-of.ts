import { UsageError } from "onebit";
import { unknownName } from "onebit/words";
import { isModule, loadOwn } from "../own/own-module.js";
import { OPTIMISERS } from "./catalogue.js";
import type { GroupRule, OptimiserConfig, RateRule } from "./config.js";
import type { Constant, Optimiser } from "./optimiser.js";
import type { Optimising } from "./update.js";

/** A configuration with the optimisers that it names, checked. Own ones are loaded. */
export async function optimisersOf(config: OptimiserConfig): Promise<Optimising> {
  const kinds = new Set([config.kind, ...config.groups.flatMap(({ kind }) => kind ?? [])]);
  const found = await Promise.all(
    [...kinds].map(async (kind) => [kind, await optimiserNamed(kind)] as const),
  );
  const optimisers = Object.fromEntries(found);
  for (const { constants } of Object.values(optimisers)) {
    for (const constant of constants) checkConstant(constant, config[constant]);
  }
  for (const rule of config.groups) checkRule(rule);
  for (const rule of config.rates ?? []) checkRate(rule);
  return { config, optimisers };
}

async function optimiserNamed(kind: string): Promise<Optimiser> {
  if (isModule(kind)) {
    const fields = { moments: "function", step: "function" };
    const own = await loadOwn<Optimiser>(kind, "an optimiser", fields);
    return { ...own, constants: own.constants ?? [] };
  }
  const known = OPTIMISERS.find(({ name }) => name === kind);
  if (known) return known;
  const names = OPTIMISERS.map(({ name }) => name);
  throw new UsageError(`optimiser.kind: ${unknownName("optimiser", kind, names)}`);
}

/** All that are kept by any of the optimisers. */
export function momentNames({ config, optimisers }: Optimising): readonly string[] {
  return [...new Set(Object.values(optimisers).flatMap(({ moments }) => moments(config)))];
}

const decays = { fits: (x: number) => x >= 0 && x < 1, wanted: "from 0 to below 1" };
const least0 = { fits: (x: number) => x >= 0, wanted: "0 or more" };

const RULES: { readonly [C in Constant]: typeof decays } = {
  beta1: decays,
  beta2: decays,
  momentum: decays,
  epsilon: { fits: (x) => x > 0, wanted: "above 0" },
  adaptivity: { fits: (x) => x > 0 && x <= 1, wanted: "above 0, up to 1" },
  threshold: least0,
  weightDecay: least0,
};

function checkConstant(constant: Constant, value: number, of = "optimiser"): void {
  const { fits, wanted } = RULES[constant];
  if (fits(value)) return;
  throw new UsageError(`${of}.${constant} is ${value}, must be ${wanted}`);
}

const CONDITIONS = ["rank", "nameIncludes", "pattern", "role"];
const RULE_FIELDS = ["name", ...CONDITIONS, "weightDecay", "learningRateScale", "kind"];

function checkRule(rule: GroupRule): void {
  const where = `optimiser.groups, "${rule.name}"`;
  const strange = Object.keys(rule).find((field) => !RULE_FIELDS.includes(field));
  if (strange !== undefined) {
    throw new UsageError(`${where}: ${unknownName("field", strange, RULE_FIELDS)}`);
  }
  if (!CONDITIONS.some((condition) => condition in rule)) {
    throw new UsageError(`${where}: says of no tensors: give ${CONDITIONS.join(", ")}`);
  }
  const { weightDecay, learningRateScale } = rule;
  if (weightDecay !== undefined) checkConstant("weightDecay", weightDecay, where);
  if (learningRateScale === undefined || learningRateScale >= 0) return;
  throw new UsageError(`${where}: learningRateScale is ${learningRateScale}, must be 0 or more`);
}

function checkRate({ pattern, factor }: RateRule): void {
  if (typeof pattern === "string" && factor > 0) return;
  throw new UsageError(
    `optimiser.rates: ${JSON.stringify({ pattern, factor })}: a pattern and a factor above 0 are wanted; what is not to be trained at all is frozen (optimiser.freeze)`,
  );
}
