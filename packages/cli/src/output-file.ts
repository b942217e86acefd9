import { statSync } from "node:fs";
import { dirname } from "node:path";
import { OnebitError, UsageError } from "onebit";
import { isStandardOutput, writeFileAtomic } from "onebit/node";
import { readerGone } from "./streams.js";

/** The usual name for standard output. */
const DASH = "-";

export function isStdout(path: string | undefined): path is string {
  return path === DASH || (path !== undefined && isStandardOutput(path));
}

/**
 * Whole under its final name, or not at all; a failure says what to do about it. Devices and pipes
 * are written into, "-" is standard output. Returns the number of bytes.
 */
export async function writeOutput(
  path: string,
  data: string | Uint8Array | AsyncIterable<Uint8Array>,
): Promise<number> {
  if (isStdout(path) && process.stdout.isTTY && typeof data !== "string") {
    throw new UsageError(`${path}: is this terminal, which shows no such data: add > FILE`);
  }
  try {
    return await writeFileAtomic(path === DASH ? "/dev/stdout" : path, data);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (!code) throw error;
    if (code === "EPIPE") throw readerGone();
    const remedy = remedies[code]?.(path, error as NodeJS.ErrnoException) ?? message;
    throw new OnebitError(`cannot write ${path}: ${remedy}`, { cause: error });
  }
}

/** Where writing would destroy what a command reads. */
export function refuseSameFile(input: string, output: string): void {
  const [a, b] = [input, output].map(statsOf);
  if (!a?.isFile() || !b || a.ino !== b.ino || a.dev !== b.dev) return;
  throw new UsageError(`--output ${output}: is the input, which would be lost: name another file`);
}

/** Names say what a file holds; devices, pipes and standard output have none to choose. */
export function hasEnding(path: string, ending: string): boolean {
  return path.endsWith(ending) || isStdout(path) || isNoFile(path);
}

function isNoFile(path: string): boolean {
  const found = statsOf(path);
  return found !== undefined && !found.isFile() && !found.isDirectory();
}

/** What is wrong with a name is said by what reads or writes it. */
function statsOf(path: string) {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

const elsewhere = "choose another place";

const remedies: {
  readonly [code: string]: (path: string, error: NodeJS.ErrnoException) => string;
} = {
  ENOENT: (path, error) => `there is no folder ${error.path ?? dirname(path)}: create it first`,
  ENOTDIR: (path) => `${dirname(path)} is not a folder: ${elsewhere}`,
  EISDIR: () => "it is a folder: name a file in it",
  EACCES: () => `permission denied: ${elsewhere}`,
  EPERM: () => `permission denied: ${elsewhere}`,
  EROFS: () => `the file system is read-only: ${elsewhere}`,
  ENOSPC: () => "the disk is full: free some space",
  EDQUOT: () => "the disk quota is used up: free some space",
  EFBIG: () =>
    "larger than files may be here: choose another place, or raise the limit (ulimit -f)",
  EBUSY: () => "it is a mount point: write into a folder that is mounted",
  ENAMETOOLONG: () => "the name is too long: choose a shorter one",
  ELOOP: () => "its links lead in a circle: name a file",
};
