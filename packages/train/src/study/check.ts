import type { OnnxSettings, PreprocessOverrides } from "@onebit/convert";
import { UsageError } from "onebit";
import { unknownName } from "onebit/words";
import type { TeacherChoice } from "../teachers/index.js";
import {
  anyGroup,
  at,
  folderName,
  group,
  listOf,
  misread,
  oneOf,
  optional,
  type Reader,
  seedCount,
  share,
  text,
  whole,
  wholeFromZero,
} from "./fields.js";
import { recipeOf } from "./recipe-of.js";
import {
  type Comparison,
  MEASURES,
  type Measure,
  ownMetric,
  pairsOf,
  type Study,
  type StudyTeacher,
  type Variant,
} from "./study.js";

/** Values that whoever opens the file checks. */
const anything: Reader<never> = (value) => value as never;

const onnx = group<OnnxSettings>({
  layout: optional(oneOf("layout", ["nchw", "nhwc"])),
  size: anything,
  output: optional(text),
  labels: optional(listOf(text)),
  preprocess: optional(
    group<PreprocessOverrides>({
      ...{ size: anything, channels: anything, resize: anything, crop: anything },
      ...{ interpolation: anything, mean: anything, std: anything },
    }),
  ),
});

const teacher: Reader<StudyTeacher> = (value, place) => {
  const given = anyGroup<object>(value, place);
  if ("path" in given) {
    return group<TeacherChoice>({ path: text, onnx: optional(onnx) })(value, place);
  }
  return group<{ variant: string; seed?: number }>({
    variant: text,
    seed: optional(wholeFromZero),
  })(value, place);
};

const variant = group<Variant>({
  name: folderName,
  about: optional(text),
  recipe: optional(text),
  overrides: optional(anyGroup),
  model: optional(text),
  switches: optional(anyGroup),
  teachers: optional(listOf(teacher)),
  assistants: optional(listOf(teacher)),
  teacherViews: optional(whole),
  seeds: optional(seedCount),
});

const pair: Reader<readonly [string, string]> = (value, place) => {
  if (!Array.isArray(value) || value.length !== 2) throw misread(place, value, "a pair of names");
  return [text(value[0], `${place}[0]`), text(value[1], `${place}[1]`)];
};

const comparison: Reader<Comparison> = (value, place) => {
  const given = anyGroup<object>(value, place);
  if ("pairs" in given) return group<{ pairs: Pairs }>({ pairs: listOf(pair, 1) })(value, place);
  return group<{ baseline: string }>({ baseline: text })(value, place);
};

type Pairs = readonly (readonly [string, string])[];

const measure: Reader<Measure> = (value, place) =>
  typeof value === "string" && ownMetric(value) !== undefined
    ? (value as Measure)
    : oneOf("measure", MEASURES)(value, place);

const study = group<Study>({
  name: folderName,
  question: text,
  source: optional(text),
  data: text,
  trainImages: optional(whole),
  testImages: optional(whole),
  validation: share,
  recipe: text,
  overrides: optional(anyGroup),
  observe: optional(whole),
  model: optional(text),
  switches: optional(anyGroup),
  seeds: seedCount,
  variants: listOf(variant, 1),
  compare: comparison,
  measures: listOf(measure, 1),
});

/** Plain data as a study. UsageError, with the place, for what is none, or could not run. */
export function checkStudy(value: unknown): Study {
  const checked = study(value, "");
  const { variants } = checked;
  const names = variants.map(({ name }) => name);
  names.forEach((name, i) => {
    const before = names.findIndex((other) => other.toLowerCase() === name.toLowerCase());
    if (before === i) return;
    const what =
      names[before] === name ? "" : ` (and "${names[before]}", one folder on some systems)`;
    throw new UsageError(`variants[${i}].name: there are two variants "${name}"${what}`);
  });
  if ("baseline" in checked.compare) known("compare", checked.compare.baseline, names);
  checkPairs(checked, names);
  checked.measures.forEach((name, i) => {
    if (checked.measures.indexOf(name) === i) return;
    throw new UsageError(`measures[${i}]: "${name}" is there already`);
  });
  for (const [i, own] of variants.entries()) checkVariant(checked, own, `variants[${i}]`);
  return checked;
}

function checkPairs(study: Study, names: readonly string[]): void {
  const seen = new Set<string>();
  for (const [i, pair] of pairsOf(study).entries()) {
    for (const name of pair) known("compare", name, names);
    const [from, to] = pair;
    if (from === to) {
      throw new UsageError(`compare.pairs[${i}]: compares "${from}" with itself`);
    }
    const both = JSON.stringify(pair);
    if (seen.has(both)) throw new UsageError(`compare.pairs[${i}]: ${both} is there already`);
    seen.add(both);
  }
}

function checkVariant(all: Study, own: Variant, place: string): void {
  for (const [owner, { overrides }] of [
    ["", all],
    [`${place}.`, own],
  ] as const) {
    for (const field of ["model", "switches"] as const) {
      if (overrides === undefined || !(field in overrides)) continue;
      throw new UsageError(`${owner}overrides.${field}: write it as ${owner}${field}`);
    }
  }
  const { metrics = {} } = recipeOf(all, own, { place });
  for (const [i, measure] of all.measures.entries()) {
    const metric = ownMetric(measure);
    if (metric === undefined || Object.hasOwn(metrics, metric)) continue;
    throw new UsageError(
      `measures[${i}] is "${measure}", but ${own.name} has no metric "${metric}": write overrides.metrics.${metric}`,
    );
  }
  if (own.seeds !== undefined && own.seeds > all.seeds) {
    throw new UsageError(`${place}.seeds is ${own.seeds}, the study has ${all.seeds}`);
  }
  for (const role of ["teachers", "assistants"] as const) {
    for (const [i, given] of (own[role] ?? []).entries()) {
      checkTeacher(all, own, given, `${place}.${role}[${i}]`);
    }
  }
}

function checkTeacher(all: Study, own: Variant, given: StudyTeacher, place: string): void {
  if ("path" in given) return;
  known(
    `${place}.variant`,
    given.variant,
    all.variants.map(({ name }) => name),
  );
  const other = all.variants.find(({ name }) => name === given.variant)!;
  if (reaches(all, other, own.name)) {
    throw new UsageError(`${place}: ${other.name} learns from ${own.name} itself`);
  }
  const last = (given.seed ?? (own.seeds ?? all.seeds) - 1) as number;
  if (last < (other.seeds ?? all.seeds)) return;
  throw new UsageError(
    `${place}: ${other.name} is not trained with seed ${last}: say which of its seeds teaches`,
  );
}

/** Whether a variant is another, or learns from it by way of others. */
function reaches(all: Study, from: Variant, name: string, seen: readonly string[] = []): boolean {
  if (from.name === name) return true;
  if (seen.includes(from.name)) return false;
  return [...(from.teachers ?? []), ...(from.assistants ?? [])].some((given) => {
    if ("path" in given) return false;
    const next = all.variants.find((one) => one.name === given.variant);
    return next !== undefined && reaches(all, next, name, [...seen, from.name]);
  });
}

function known(place: string, name: string, names: readonly string[]): void {
  if (names.includes(name)) return;
  at(place, () => {
    throw new UsageError(unknownName("variant", name, names));
  });
}
