import { OnebitError, UsageError } from "onebit";
import { closest, type ModelEntry, modelNamed, models, type Switches } from "onebit/models";
import { printable } from "../readers/text.js";
import { type ImportableFamily, inferSwitches, type Shapes } from "./families.js";

/** What keys and shapes say about a network. */
export interface Recognised {
  readonly family: ImportableFamily;
  /** Name in the catalogue of models. */
  readonly arch: string;
  readonly entry: ModelEntry;
  /** What differs from the catalogue's entry. */
  readonly switches: Switches;
}

const marks: { readonly [family in ImportableFamily]: RegExp } = {
  bnext: /^feature\.\d+\.(Attention|FFN_3x3|FFN|FFN_1|FFN_2)\./,
  "bnext-18": /^layer\d+\.\d+\.(Attention|FFN)\./,
  reactnet: /^feature\.\d+\.(move11|binary_3x3|binary_pw)/,
  "reactnet-resnet": /^layer\d+\.\d+\.(move0|binary_conv)\./,
};

/** The entry of each family that takes any widths or depths. */
const generic: { readonly [family in ImportableFamily]: string } = {
  bnext: "bnext",
  "bnext-18": "bnext-18",
  reactnet: "reactnet",
  "reactnet-resnet": "reactnet-18",
};

export function familyOf(keys: Iterable<string>): ImportableFamily | undefined {
  const families = Object.keys(marks) as ImportableFamily[];
  const list = [...keys];
  return families.find((family) => list.some((key) => marks[family].test(key)));
}

/**
 * Takes off what wraps every key: the `module.` of DataParallel, the attribute under which a larger
 * module held the network. Stops as soon as a family shows.
 */
export function withoutPrefix<T>(tensors: ReadonlyMap<string, T>): {
  readonly prefix: string;
  readonly tensors: ReadonlyMap<string, T>;
} {
  const [first = ""] = tensors.keys();
  const keys = [...tensors.keys()];
  for (let end = 0; ; ) {
    const prefix = first.slice(0, end);
    const stripped = keys.map((key) => key.slice(end));
    end = first.indexOf(".", end) + 1;
    if (familyOf(stripped)) {
      const entries = [...tensors.values()].map((value, i) => [stripped[i], value] as const);
      return { prefix, tensors: new Map(entries) };
    }
    if (end === 0 || !keys.every((key) => key.startsWith(first.slice(0, end)))) break;
  }
  return { prefix: "", tensors };
}

/** Architecture and switches from keys and shapes; `arch` names the architecture instead. */
export function recognise(shapes: Shapes, arch?: string): Recognised {
  const family = arch === undefined ? familyOf(shapes.keys()) : importable(arch);
  if (!family) throw unknownNetwork(shapes);
  const inferred = inferSwitches(family, shapes);
  const name = arch ?? catalogueName(family, inferred);
  const entry = modelNamed(name);
  const switches = Object.entries(inferred).filter(([option]) => !(option in entry.defaults));
  // The generic ResNet entry has depths of its own to fall back on: the file's count.
  const own = arch === undefined ? differing(inferred, entry.defaults) : {};
  return { family, arch: name, entry, switches: { ...Object.fromEntries(switches), ...own } };
}

export function importable(arch: string): ImportableFamily {
  const { family } = modelNamed(arch);
  if (family in marks) return family as ImportableFamily;
  throw new UsageError(
    `${arch} has no published checkpoints to import; there are ${Object.keys(models)
      .filter((name) => models[name].family in marks)
      .join(", ")}`,
  );
}

/** The published size with these widths or depths, else the family's generic entry. */
function catalogueName(family: ImportableFamily, inferred: Switches): string {
  const sizes = Object.keys(models).filter(
    (name) => models[name].family === family && models[name].published,
  );
  const named = [...sizes, ...(family === "reactnet-resnet" ? ["reactnet-34"] : [])];
  const fits = (name: string) => Object.keys(differing(inferred, models[name].defaults)).length === 0;
  return named.find(fits) ?? generic[family];
}

/** The inferred switches that contradict `defaults`. */
function differing(inferred: Switches, defaults: Switches): Switches {
  const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
  const entries = Object.entries(inferred).filter(
    ([option, value]) =>
      option in defaults && !same(value, defaults[option as keyof Switches]),
  );
  return Object.fromEntries(entries);
}

function unknownNetwork(shapes: Shapes): OnebitError {
  const keys = [...shapes.keys()];
  const some = keys.slice(0, 4).map(printable).join(", ");
  const known = Object.values(generic).join(", ");
  return new OnebitError(
    `the network is not recognised: its ${keys.length} tensors are called ${some}${keys.length > 4 ? ", ..." : ""}. ` +
      `Known are the official keys of BNext and ReActNet (${known}); name the architecture if these are its keys`,
  );
}

export { closest };
