import { OnebitError, UsageError } from "onebit";
import { modelNamed, models } from "onebit/models";
import { counted } from "onebit/words";
import { printable } from "../readers/text.js";
import type { Importer } from "./importer.js";

/** The importer of an architecture's family; UsageError where none of its kind can be imported. */
export function importerOf(arch: string, importers: readonly Importer[]): Importer {
  const of = (name: string) => importers.find(({ family }) => family === models[name].family);
  modelNamed(arch);
  const importer = of(arch);
  if (importer) return importer;
  const names = Object.keys(models).filter(of).join(", ");
  throw new UsageError(`${arch}: there are no checkpoints of it to import; there are of ${names}`);
}

export function unknownNetwork(
  keys: readonly string[],
  importers: readonly Importer[],
): OnebitError {
  const some = keys.slice(0, 4).map(printable).join(", ");
  return new OnebitError(
    `the network is not recognised: it has ${counted(keys.length, "tensor")}, ${some}${keys.length > 4 ? ", ..." : ""}. ` +
      `Networks of these families are known: ${importers.map(({ family }) => family).join(", ")}`,
  );
}
