import { readFile } from "node:fs/promises";
import { UsageError, visible } from "onebit";
import { dram } from "./tables/45nm-dram.js";
import { onChip } from "./tables/45nm-on-chip.js";

/** What operations and bytes take, as somebody published it. */
export interface EnergyTable {
  /** Such as "45 nm, 0.9 V". */
  readonly process: string;
  /** Who published it, and where. */
  readonly source: string;
  /** What was derived, and how. */
  readonly notes: readonly string[];
  readonly picojoules: { readonly [what in Priced]: number };
}

/** What is counted of a network. */
export type Priced = "binaryMac" | "floatMac" | "elementwise" | "weightByte" | "activationByte";

const PRICED: readonly Priced[] = [
  ...(["binaryMac", "floatMac", "elementwise", "weightByte", "activationByte"] as const),
];

/** The tables that come with onebit, by name. */
export const ENERGY_TABLES: { readonly [name: string]: EnergyTable } = {
  "45nm-on-chip": onChip,
  "45nm-dram": dram,
};

/** A table by name, or from a JSON file of the same form. UsageError says what it lacks. */
export async function energyTable(name: string): Promise<EnergyTable> {
  if (Object.hasOwn(ENERGY_TABLES, name)) return ENERGY_TABLES[name];
  const text = await readFile(name, "utf8").catch(() => {
    throw new UsageError(
      `--energy ${name}: no such table: ${Object.keys(ENERGY_TABLES).join(", ")}, or a JSON file with process, source, notes and picojoules`,
    );
  });
  return checked(name, parsed(name, text));
}

function parsed(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`--energy ${name}: is no JSON: ${(error as Error).message}`);
  }
}

function checked(name: string, given: unknown): EnergyTable {
  const table = (typeof given === "object" && given !== null ? given : {}) as Partial<EnergyTable>;
  for (const field of ["process", "source"] as const) {
    if (typeof table[field] === "string" && table[field]) continue;
    throw new UsageError(
      `--energy ${name}: has no "${field}": a text is wanted, so that readers know`,
    );
  }
  const prices = (table.picojoules ?? {}) as { readonly [what: string]: unknown };
  for (const what of PRICED) {
    const price = prices[what];
    if (typeof price === "number" && Number.isFinite(price) && price >= 0) continue;
    throw new UsageError(
      `--energy ${name}: picojoules.${what} is ${JSON.stringify(price)}: a number from 0 on is wanted`,
    );
  }
  refuseOthers(name, table, ["process", "source", "notes", "picojoules"]);
  refuseOthers(name, prices, PRICED, "picojoules.");
  const { notes = [] } = table;
  if (Array.isArray(notes) && notes.every((note) => typeof note === "string")) {
    return { ...(table as EnergyTable), notes };
  }
  throw new UsageError(`--energy ${name}: "notes" must be a list of texts`);
}

/** A price that is misspelt, or of something that is not counted, must not look as if it counted. */
function refuseOthers(name: string, given: object, known: readonly string[], where = ""): void {
  const other = Object.keys(given).find((field) => !known.includes(field));
  if (other === undefined) return;
  throw new UsageError(
    `--energy ${name}: there is no "${where}${visible(other)}": ${known.join(", ")}`,
  );
}
