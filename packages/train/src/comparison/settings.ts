import type { RunRecord } from "../run/run-folder.js";

/** A setting in which runs differ; null where a run has none. */
export interface DifferingSetting {
  /** Such as "recipe.schedule.learningRate". */
  readonly name: string;
  /** By run. */
  readonly values: readonly (string | null)[];
}

/** What decides no outcome, or follows from what is compared. */
const LEFT_OUT =
  /^(started|result|format|observe|tensorboard|recipe\.(description|source)|stage\.of)(\.|$)/;

/** Settings of run.json in which not all of these runs are the same. */
export function differingSettings(records: readonly RunRecord[]): DifferingSetting[] {
  const all = records.map((record) => new Map(settingsOf(record, "")));
  const names = [...new Set(all.flatMap((settings) => [...settings.keys()]))];
  return names
    .map((name) => ({ name, values: all.map((settings) => settings.get(name) ?? null) }))
    .filter(({ name, values }) => !LEFT_OUT.test(name) && new Set(values).size > 1);
}

/** Lists are one value. */
function settingsOf(value: unknown, path: string): [name: string, value: string][] {
  if (value === undefined) return [];
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return [[path, typeof value === "string" ? value : JSON.stringify(value)]];
  }
  return Object.entries(value).flatMap(([key, inner]) =>
    settingsOf(inner, path ? `${path}.${key}` : key),
  );
}
