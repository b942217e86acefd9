import { OnebitError, UsageError } from "onebit";
import { unknownName } from "onebit/words";
import { atOnce } from "../own/at-once.js";
import { isModule, loadOwn, moduleName, reasonOf, shown } from "../own/own-module.js";
import { OPTIMISERS } from "./catalogue.js";
import type { OptimiserConfig } from "./config.js";
import type { Optimiser } from "./optimiser.js";
import { checkConstant, checkRate, checkRule } from "./rules.js";
import type { Optimising } from "./update.js";

/** A configuration with the optimisers that it names, checked. Own ones are loaded. */
export async function optimisersOf(config: OptimiserConfig): Promise<Optimising> {
  for (const rule of config.groups) checkRule(rule);
  for (const rule of config.rates ?? []) checkRate(rule);
  const kinds = new Set([config.kind, ...config.groups.flatMap(({ kind }) => kind ?? [])]);
  const found = await Promise.all(
    [...kinds].map(async (kind) => [kind, await optimiserNamed(kind)] as const),
  );
  const optimisers = Object.fromEntries(found);
  for (const { constants } of Object.values(optimisers)) {
    for (const constant of constants) checkConstant(constant, config[constant]);
  }
  return { config, optimisers };
}

async function optimiserNamed(kind: string): Promise<Optimiser> {
  if (isModule(kind)) {
    const fields = { moments: "function", step: "function" };
    return guarded(await loadOwn<Optimiser>(kind, "an optimiser", fields), moduleName(kind));
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

/** An optimiser of one's own, whose faults are told as such. */
function guarded(own: Optimiser, module: string): Optimiser {
  return {
    ...own,
    constants: own.constants ?? [],
    moments(config) {
      const names = called(`${module}: its moments fail`, () => own.moments(config));
      if (Array.isArray(names) && names.every(isMomentName)) return names;
      throw new UsageError(
        `${module}: its moments are ${Array.isArray(names) ? JSON.stringify(names) : shown(names)}: a list of names (letters, digits, _) is wanted`,
      );
    },
    step(arrays, group, config) {
      const when = `in step ${group.step}`;
      const failing = `the optimiser ${module} fails ${when}`;
      const given: unknown = called(failing, () => own.step(arrays, group, config));
      if (given instanceof Promise) {
        throw new OnebitError(
          `the optimiser ${module} gives a promise ${when}: the weights must be changed when it returns`,
        );
      }
      const { weights } = arrays;
      for (let i = group.start; i < group.end; i++) {
        if (Number.isFinite(weights[i])) continue;
        throw new OnebitError(
          `the optimiser ${module} makes a weight ${weights[i]} ${when} (learning rate ${group.learningRate})`,
        );
      }
    },
  };
}

const isMomentName = (name: unknown) => typeof name === "string" && /^\w+$/.test(name);

function called<T>(what: string, work: () => T): T {
  try {
    return atOnce(work);
  } catch (cause) {
    throw new OnebitError(`${what}: ${reasonOf(cause)}`, { cause });
  }
}
