import { type ModelEntry, modelNamed, models, type Switches } from "onebit/models";

/** What keys and shapes say about a network. */
export interface Recognised {
  /** Name in the catalogue of models. */
  readonly arch: string;
  readonly entry: ModelEntry;
  /** What is not the catalogue entry's default. */
  readonly switches: Switches;
}

/** Architecture and switches from what keys and shapes say; `arch` names the architecture instead. */
export function recognise(family: string, switchesFound: Switches, arch?: string): Recognised {
  const inferred = given(switchesFound);
  const name = arch ?? catalogueName(family, inferred);
  const entry = modelNamed(name);
  // A named architecture is taken at its word: what does not fit will be listed.
  const told = (option: string) => arch !== undefined && option in entry.defaults;
  const switches = inferred.filter((found) => !told(found[0]) && !agrees(found, entry.defaults));
  return { arch: name, entry, switches: Object.fromEntries(switches) };
}

type Switch = readonly [option: string, value: unknown];

/** The first published entry that the file does not contradict, else the one it agrees with most. */
function catalogueName(family: string, inferred: readonly Switch[]): string {
  const names = Object.keys(models).filter(
    (name) => models[name].family === family && models[name].preprocess !== undefined,
  );
  const agreements = (name: string) =>
    inferred.filter((found) => agrees(found, models[name].defaults)).length;
  const fits = (name: string) => agreements(name) === Object.keys(models[name].defaults).length;
  const most = Math.max(...names.map(agreements));
  return names.find(fits) ?? names.find((name) => agreements(name) === most)!;
}

function agrees([option, value]: Switch, defaults: Switches): boolean {
  return JSON.stringify(defaults[option as keyof Switches]) === JSON.stringify(value);
}

function given(switches: Switches): Switch[] {
  return Object.entries(switches).filter(([, value]) => value !== undefined);
}
