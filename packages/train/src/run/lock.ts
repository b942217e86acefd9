import { randomBytes } from "node:crypto";
import { link, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { OnebitError } from "onebit";
import { removeOnExit } from "onebit/node";
import { fateOf, type ProcessIdentity, thisProcess } from "./process-identity.js";

interface Holder extends ProcessIdentity {
  /** ISO 8601. */
  readonly since: string;
}

/**
 * Takes the lock of a folder; OnebitError where another training holds it. Locks of processes that
 * have ended are taken over. Call what comes back to let go of it.
 */
export async function takeLock(path: string): Promise<() => Promise<void>> {
  const holder: Holder = { ...thisProcess(), since: new Date().toISOString() };
  const text = `${JSON.stringify(holder)}\n`;
  // One try more than there are steps in which another process can be faster.
  for (let tries = 0; tries < 3; tries++) {
    if (await created(path, text)) {
      const forget = removeOnExit(path);
      return async () => {
        if ((await contents(path)) === text) await rm(path, { force: true });
        forget();
      };
    }
    await refuseHeld(path);
    await removeStale(path);
  }
  throw new OnebitError(`${path}: other processes take this lock in turns: try again`);
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

/** Moves it away first: should another process have taken over meanwhile, its lock goes back. */
async function removeStale(path: string): Promise<void> {
  const aside = besides(path);
  try {
    await rename(path, aside);
  } catch {
    return;
  }
  const holder = parsed((await contents(aside)) ?? "");
  if (holder && fateOf(holder) !== "ended") await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
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
