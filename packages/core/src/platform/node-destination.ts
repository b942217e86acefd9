import { readlinkSync, realpathSync, type Stats, statSync } from "node:fs";
import { basename, dirname, join, resolve, sep } from "node:path";

/** What writing to a path would write to. */
export type Destination =
  /** A file, there or not, links followed. */
  | { readonly kind: "file"; readonly target: string; readonly old?: Stats }
  /** This process's standard output or error. */
  | { readonly kind: "stream"; readonly stream: NodeJS.WriteStream }
  /** A device, a pipe, a folder: no file that could be replaced. */
  | { readonly kind: "other" };

/** Throws what the system says, with its code; EISDIR for a name that ends like a folder's. */
export function destinationOf(path: string): Destination {
  if (path.endsWith("/") || path.endsWith(sep)) {
    throw Object.assign(new Error(`${path}: is the name of a folder`), { code: "EISDIR" });
  }
  const old = statSync(path, { throwIfNoEntry: false });
  if (old?.isDirectory()) return { kind: "other" };
  const target = followed(path);
  const descriptor = descriptorOf(target);
  if (descriptor === "1") return { kind: "stream", stream: process.stdout };
  if (descriptor === "2") return { kind: "stream", stream: process.stderr };
  if (descriptor !== undefined || (old && !old.isFile())) return { kind: "other" };
  return { kind: "file", target, old };
}

/** An open file's number: such a path looks like a link, to a name that may not exist. */
function descriptorOf(target: string): string | undefined {
  return /^\/(?:proc\/(?:self|\d+)|dev)\/fd\/(\d+)$/.exec(target)?.[1];
}

/** Where the links of a path lead, the last of which may lead to nothing. */
function followed(path: string): string {
  const target = join(realpathSync(dirname(path)), basename(path));
  if (descriptorOf(target) !== undefined) return target;
  const link = linkIn(target);
  return link === undefined ? target : followed(resolve(dirname(target), link));
}

/** undefined where there is no link. Circles have been refused before, with ELOOP. */
function linkIn(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
