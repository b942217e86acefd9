import { appendFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { OnebitError, UsageError } from "onebit";
import { makeFolder } from "onebit/node";
import { shellWord } from "onebit/words";
import { explain, writeWhole } from "../run/files.js";
import { firstDifference } from "../run/run-folder.js";
import type { LossAt } from "./losses.js";

/** The grid: coordinates -radius to radius along each direction, `points` of them. */
export interface GridSettings {
  readonly points: number;
  readonly radius: number;
  readonly seed: number;
}

/** A network that takes part. */
export interface PlacedNetwork {
  readonly name: string;
  readonly path: string;
  /** Of its tensors. */
  readonly sha256: string;
}

/** What a landscape was begun with: landscape.json. */
export interface LandscapeRecord {
  readonly format: 1;
  readonly grid: GridSettings;
  readonly data: {
    readonly spec: string;
    readonly name: string;
    /** Those that the runs learned from, without what they held back. */
    readonly ofRun: boolean;
    readonly images: number;
    readonly fingerprint: string | null;
  };
  readonly networks: readonly PlacedNetwork[];
  readonly versions: { readonly [name: string]: string };
  readonly revision: string | null;
  /** ISO 8601. */
  readonly started: string;
}

/** One line of points.jsonl: what a network has at row and column of the grid. */
export interface PlacedLoss extends LossAt {
  readonly network: string;
  readonly row: number;
  readonly column: number;
  readonly engine: string;
}

/**
 *   landscape.json    what was asked for
 *   points.jsonl      one line per point of the grid and network
 *   landscape.html    pictures and figures of what there is
 *   contours.svg, slice.svg
 *   lock              the process that computes it, as long as it does
 */
export class LandscapeFolder {
  constructor(readonly path: string) {}

  file(name: string): string {
    return join(this.path, name);
  }

  get record(): string {
    return this.file("landscape.json");
  }

  get points(): string {
    return this.file("points.jsonl");
  }

  /** What it was begun with; undefined where it holds none. */
  async read(): Promise<LandscapeRecord | undefined> {
    const text = await readFile(this.record, "utf8").catch(() => undefined);
    if (text === undefined) return undefined;
    try {
      return JSON.parse(text) as LandscapeRecord;
    } catch {
      throw new OnebitError(`${this.record}: is not JSON: the file is damaged`);
    }
  }

  /** UsageError where a landscape can neither begin here nor go on. */
  async checkPlace(resume: boolean): Promise<LandscapeRecord | undefined> {
    const before = await this.read();
    if (resume && !before) {
      throw new UsageError(`${this.path}: holds no landscape to resume; start without --resume`);
    }
    if (resume || !before) return before;
    throw new UsageError(
      `${this.path}: already holds a landscape: go on with it (--resume) or choose another folder (--out)`,
    );
  }

  async create(): Promise<void> {
    await makeFolder(this.path).catch((error) => {
      throw explain(error, this.path);
    });
  }

  async begin(record: LandscapeRecord): Promise<void> {
    await writeWhole(this.record, `${JSON.stringify(record, null, 2)}\n`);
  }

  async add(point: PlacedLoss): Promise<void> {
    await appendFile(this.points, `${JSON.stringify(point)}\n`).catch((error) => {
      throw explain(error, this.points);
    });
  }

  /** All points so far; a line that a killed process did not finish is cut off. */
  async past(): Promise<PlacedLoss[]> {
    const text = await readFile(this.points, "utf8").catch(() => "");
    const whole = text.slice(0, text.lastIndexOf("\n") + 1);
    if (whole !== text) await writeWhole(this.points, whole);
    const lines = whole.split("\n").slice(0, -1);
    return lines.map((line, i) => parsed(line, `${this.points}, line ${i + 1}`));
  }
}

function parsed(line: string, where: string): PlacedLoss {
  try {
    return JSON.parse(line) as PlacedLoss;
  } catch {
    throw new OnebitError(
      `${where}: is not JSON: the file is damaged; remove that line, and resume`,
    );
  }
}

/** UsageError, by field, where points would not be of the same landscape. */
export function refuseOther(path: string, before: LandscapeRecord, now: LandscapeRecord): void {
  const difference = firstDifference(decisive(before), decisive(now), "landscape");
  if (difference === undefined) return;
  throw new UsageError(
    `${path}: holds points of another ${difference}. Put that back, or begin in another folder (--out ${shellWord(`${path}-2`)})`,
  );
}

/** Files may lie elsewhere. */
function decisive({ grid, data, networks }: LandscapeRecord): unknown {
  const { spec: _, name: __, ofRun: ___, ...images } = data;
  const own = networks.map(({ name, sha256 }) => [name, sha256]);
  return { grid, data: images, networks: Object.fromEntries(own) };
}
