import { randomBytes } from "node:crypto";
import { link, readFile, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout } from "node:timers/promises";
import { OnebitError } from "onebit";
import { removeOnExit } from "onebit/node";
import { fateOf, type ProcessIdentity, thisProcess } from "./process-identity.js";

interface Holder extends ProcessIdentity {
  /** ISO 8601. */
  readonly since: string;
}

/** While others remove a stale lock: milliseconds between tries. */
const WAIT = 10;
const TRIES = 50;

/**
 * Takes the lock of a folder; OnebitError where another training holds it. Locks of processes that
 * have ended are taken over. Call what comes back to let go of it.
 */
export async function takeLock(path: string): Promise<() => Promise<void>> {
  const holder: Holder = { ...thisProcess(), since: new Date().toISOString() };
  const text = `${JSON.stringify(holder)}\n`;
  for (let tries = 0; ; tries++) {
    if (await created(path, text)) {
      const forget = removeOnExit(path);
      return async () => {
        if ((await contents(path)) === text) await rm(path, { force: true });
        forget();
      };
    }
    await refuseHeld(path);
    if (tries === TRIES) {
      throw new OnebitError(`${path}: other processes take this lock in turns: try again`);
    }
    await removeStale(path, text);
  }
}

/** OnebitError where a training that runs holds the lock, or one that cannot be asked about. */
export async function refuseHeld(path: string): Promise<void> {
  const text = await contents(path);
  if (text === undefined) return;
  const holder = parsed(text);
  const folder = dirname(path);
  if (!holder) {
    throw new OnebitError(
      `${path}: is not a lock that this version can read: if no training runs in ${folder}, remove it`,
    );
  }
  const fate = fateOf(holder);
  if (fate === "ended") return;
  const who = `process ${holder.pid} on ${holder.host} since ${holder.since}`;
  if (fate === "runs") {
    throw new OnebitError(
      `${folder}: a training runs in it already (${who}): wait for it, stop it, or choose another folder (--out)`,
    );
  }
  throw new OnebitError(
    `${folder}: a training of another machine or container runs in it, or ended without a word (${who}): if it has ended, remove ${path}`,
  );
}

/** Removes the lock of a process that cannot be asked about; OnebitError where its process runs here. */
export async function removeAbandoned(path: string): Promise<void> {
  const holder = parsed((await contents(path)) ?? "");
  if (holder && fateOf(holder) === "runs") await refuseHeld(path);
  await rm(path, { force: true });
}

/** Whole at once: nobody reads half a lock. */
async function created(path: string, text: string): Promise<boolean> {
  const whole = besides(path);
  try {
    await writeFile(whole, text);
    await link(whole, path);
    return true;
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    // Whoever holds the lock may have tidied up meanwhile.
    if (code === "EEXIST" || (code === "ENOENT" && syscall === "link")) return false;
    if (!withoutLinks.includes(code!)) throw error;
    return createdWithoutLinks(path, text);
  } finally {
    await rm(whole, { force: true });
  }
}

/** What file systems without hard links say. */
const withoutLinks = ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK", "EXDEV"];

async function createdWithoutLinks(path: string, text: string): Promise<boolean> {
  try {
    await writeFile(path, text, { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/**
 * Removes the lock of a process that has ended: one process at a time does, so that what it has read is
 * what it removes, and never the lock of who came after.
 */
async function removeStale(path: string, text: string): Promise<void> {
  const turn = `${path}.stale`;
  if (await created(turn, text)) {
    if (await isStale(path)) await rm(path, { force: true });
    await rm(turn, { force: true });
    return;
  }
  if (await isStale(turn)) await removeStale(turn, text);
  else await setTimeout(WAIT);
}

async function isStale(path: string): Promise<boolean> {
  const holder = parsed((await contents(path)) ?? "");
  return holder !== undefined && fateOf(holder) === "ended";
}

/** A name that removeTemporaries knows. */
function besides(path: string): string {
  return `${path}.${randomBytes(6).toString("hex")}.tmp`;
}

async function contents(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch(() => undefined);
}

function parsed(text: string): Holder | undefined {
  try {
    const holder = JSON.parse(text) as Holder;
    return Number.isInteger(holder.pid) && typeof holder.host === "string" ? holder : undefined;
  } catch {
    return undefined;
  }
}
