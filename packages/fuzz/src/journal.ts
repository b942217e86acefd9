import { appendFileSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";

/** What a process says about the inputs of its batch, one JSON text a line. */
export type JournalEntry =
  | { readonly begin: number }
  | {
      readonly end: number;
      readonly result: "refused" | "ran" | "failed";
      readonly edits: readonly string[];
      readonly milliseconds: number;
      /** Of failures, and of refusals with its numbers as #. */
      readonly message?: string;
      readonly story?: string;
      readonly on?: readonly string[];
    };

/** A file that survives whatever happens to its writer: each entry is written at once. */
export class Journal {
  constructor(readonly path: string) {}

  clear(): void {
    writeFileSync(this.path, "");
  }

  append(entry: JournalEntry): void {
    appendFileSync(this.path, `${JSON.stringify(entry)}\n`);
  }

  /** Grows with every entry. */
  get size(): number {
    return existsSync(this.path) ? statSync(this.path).size : 0;
  }

  /** All whole lines. */
  read(): JournalEntry[] {
    if (!existsSync(this.path)) return [];
    const lines = readFileSync(this.path, "utf8").split("\n").slice(0, -1);
    return lines.map((line) => JSON.parse(line) as JournalEntry);
  }
}
