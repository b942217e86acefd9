import { UsageError } from "onebit";
import { counted, unknownName } from "onebit/words";
import { seedCount } from "./fields.js";
import type { Study } from "./study.js";

/** What is run of a study, and what of it was changed. */
export interface Choice {
  readonly data: string;
  readonly seeds: number;
  /** In the study's order. */
  readonly variants: readonly string[];
  /** Assignments such as "epochs=2", on top of every variant. */
  readonly set: readonly string[];
}

/** What is run of a study, where it is not what was written down. */
export interface GivenChoice {
  readonly data?: string;
  readonly seeds?: number;
  readonly variants?: readonly string[];
  readonly set?: readonly string[];
}

/** UsageError for names that the study does not have. before: what it was begun with. */
export function chosen(study: Study, given: GivenChoice, before?: Choice): Choice {
  const names = study.variants.map(({ name }) => name);
  const wanted = given.variants ?? before?.variants ?? names;
  const unknown = wanted.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new UsageError(unknownName("variant", unknown, names));
  const variants = names.filter((name) => wanted.includes(name));
  const missing = variants.flatMap((name) => missingTeachers(study, name, variants));
  if (missing.length) {
    throw new UsageError(
      `${missing[0].student} learns from ${missing[0].teacher}: name both, --variants ${[...variants, missing[0].teacher].join(",")}`,
    );
  }
  return {
    data: given.data ?? before?.data ?? usualData(study),
    seeds: seedCount(given.seeds ?? before?.seeds ?? study.seeds, "seeds"),
    variants,
    set: given.set ?? before?.set ?? [],
  };
}

function missingTeachers({ variants }: Study, student: string, chosen: readonly string[]) {
  const { teachers = [], assistants = [] } = variants.find(({ name }) => name === student)!;
  return [...assistants, ...teachers].flatMap((given) =>
    "path" in given || chosen.includes(given.variant) ? [] : [{ student, teacher: given.variant }],
  );
}

/** Where a choice is not the study as it was written down. */
export function deviations(study: Study, { data, seeds, variants, set }: Choice): string[] {
  const all = study.variants.length;
  const kindOf = (spec: string) => spec.split(":")[0];
  return [
    ...(variants.length < all ? [`only ${variants.join(", ")} of ${counted(all, "variant")}`] : []),
    ...(seeds === study.seeds ? [] : [`${counted(seeds, "seed")} instead of ${study.seeds}`]),
    ...set.map((assignment) => `all variants with ${assignment}`),
    ...(kindOf(data) === kindOf(study.data) ? [] : [`data ${kindOf(data)}, not ${study.data}`]),
  ];
}

/** UsageError where the data are the user's to name. */
function usualData({ name, data }: Study): string {
  if (!/\bDIR\b/.test(data)) return data;
  throw new UsageError(`study "${name}" needs its data: --data ${data}`);
}
