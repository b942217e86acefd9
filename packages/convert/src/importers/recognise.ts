import { OnebitError, UsageError } from "onebit";
import { type ModelEntry, modelNamed, models, type Switches } from "onebit/models";
import { printable } from "../readers/text.js";
import { families, familyOf, type ImportableFamily, type Shapes } from "./families.js";

/** What keys and shapes say about a network. */
export interface Recognised {
  readonly family: ImportableFamily;
  /** Name in the catalogue of models. */
  readonly arch: string;
  readonly entry: ModelEntry;
  /** What is not the catalogue entry's default. */
  readonly switches: Switches;
}

/** Architecture and switches from keys and shapes; `arch` names the architecture instead. */
export function recognise(shapes: Shapes, arch?: string): Recognised {
  const family = arch === undefined ? familyOf([...shapes.keys()]) : importable(arch);
  if (!family) throw unknownNetwork([...shapes.keys()]);
  const inferred = given(families[family].switches(shapes));
  const name = arch ?? catalogueName(family, inferred);
  const entry = modelNamed(name);
  // A named architecture is taken at its word: what does not fit will be listed.
  const told = (option: string) => arch !== undefined && option in entry.defaults;
  const switches = inferred.filter((found) => !told(found[0]) && !agrees(found, entry.defaults));
  return { family, arch: name, entry, switches: Object.fromEntries(switches) };
}

/** The family of an architecture; UsageError where none of its kind can be imported. */
export function importable(arch: string): ImportableFamily {
  const isImportable = (name: string) => models[name].family in families;
  const { family } = modelNamed(arch);
  if (isImportable(arch)) return family as ImportableFamily;
  const names = Object.keys(models).filter(isImportable).join(", ");
  throw new UsageError(`${arch}: there are no checkpoints of it to import; there are of ${names}`);
}

type Switch = readonly [option: string, value: unknown];

/** The first ImageNet entry that the file does not contradict, else the first of the family. */
function catalogueName(family: ImportableFamily, inferred: readonly Switch[]): string {
  const names = Object.keys(models).filter(
    (name) => models[name].family === family && models[name].classes === 1000,
  );
  const fits = (name: string) =>
    Object.keys(models[name].defaults).every((option) =>
      inferred.some((found) => found[0] === option && agrees(found, models[name].defaults)),
    );
  return names.find(fits) ?? names[0];
}

function agrees([option, value]: Switch, defaults: Switches): boolean {
  return JSON.stringify(defaults[option as keyof Switches]) === JSON.stringify(value);
}

function given(switches: Switches): Switch[] {
  return Object.entries(switches).filter(([, value]) => value !== undefined);
}

export function unknownNetwork(keys: readonly string[]): OnebitError {
  const some = keys.slice(0, 4).map(printable).join(", ");
  return new OnebitError(
    `the network is not recognised: its ${keys.length} tensors are called ${some}${keys.length > 4 ? ", ..." : ""}. ` +
      `The official keys of these families are known: ${Object.keys(families).join(", ")}`,
  );
}
