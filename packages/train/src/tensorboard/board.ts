import { appendFile, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { UsageError } from "onebit";
import { makeFolder } from "onebit/node";
import { shellWord } from "onebit/words";
import { explain, removeTemporaries, writeWhole } from "../run/files.js";
import type { LoggedEvent } from "../run/run-folder.js";
import { scalarsEvent, stepOf, versionEvent } from "./event-proto.js";
import { record, wholeRecords } from "./records.js";
import { scalarsOf } from "./scalars.js";

/** Where a run stands when its event file is opened. */
export interface BoardPosition {
  /** When the run began, ISO 8601: the file is named by it, in all sittings. */
  readonly started: string;
  /** Steps that are done; what was written of later ones is taken away. */
  readonly steps: number;
  /** What metrics.jsonl says of them: for a run that had no event file before. */
  readonly past: readonly LoggedEvent[];
  /** Whether the event files of earlier trainings go. */
  readonly overwrite?: boolean;
}

/** The event file of a run, in a folder that TensorBoard reads: the scalars of every line of metrics.jsonl. */
export class Board {
  static async open(
    folder: string,
    { started, steps, past, overwrite }: BoardPosition,
  ): Promise<Board> {
    const own = fileName(started);
    const path = join(folder, own);
    const before = await readFile(path).catch(() => undefined);
    await makeFolder(folder).catch((error) => {
      throw explain(error, folder);
    });
    await removeTemporaries(folder);
    if (overwrite) {
      const old = (await eventFiles(folder)).filter((name) => isOurs(name) && name !== own);
      for (const name of old) await rm(join(folder, name), { force: true });
    }
    const kept = before && upTo(before, steps);
    const file = kept?.length
      ? kept
      : Buffer.concat([version(), ...past.filter(hasScalars).map(recordOf)]);
    await writeWhole(path, file);
    return new Board(path);
  }

  private constructor(readonly path: string) {}

  async log(event: LoggedEvent): Promise<void> {
    if (!hasScalars(event)) return;
    await appendFile(this.path, recordOf(event)).catch((error) => {
      throw explain(error, this.path);
    });
  }
}

/**
 * UsageError where the folder has event files of another run, with which TensorBoard would mix this one's; of
 * earlier trainings of onebit, where these are overwritten, it may. own: when the run began that goes on.
 */
export async function checkBoard(
  folder: string,
  { own, overwrite = false }: { readonly own?: string; readonly overwrite?: boolean },
): Promise<void> {
  const known = own === undefined ? undefined : fileName(own);
  const others = (await eventFiles(folder)).filter((name) => name !== known);
  const other = others.find((name) => !(overwrite && isOurs(name)));
  if (other === undefined) return;
  throw new UsageError(
    `${folder}: holds the events of another run (${other}), which TensorBoard would draw as one with this: name a folder of its own (--tensorboard ${shellWord(join(folder, "NAME"))}), or remove the file`,
  );
}

/** Names as TensorBoard finds them. */
const fileName = (started: string) =>
  `events.out.tfevents.${Math.floor(Date.parse(started) / 1000)}.onebit`;

const isOurs = (name: string) => name.endsWith(".onebit");

async function eventFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw explain(error, folder);
  });
  return names.filter((name) => name.includes("tfevents"));
}

const hasScalars = (event: LoggedEvent) => event.event !== "warning";

const now = () => Date.now() / 1000;

const version = () => record(versionEvent(now()));

function recordOf(event: LoggedEvent): Uint8Array {
  return record(scalarsEvent(now(), event.step, scalarsOf(event)));
}

/** The beginning of a file, without what is torn and what is of later steps. */
function upTo(file: Uint8Array, steps: number): Uint8Array {
  let length = 0;
  for (const { data, end } of wholeRecords(file)) {
    if (stepOf(data) > steps) break;
    length = end;
  }
  return file.subarray(0, length);
}
