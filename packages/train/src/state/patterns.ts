import { UsageError, visible } from "onebit";
import type { Graph } from "onebit/graph";
import { closest } from "onebit/words";

/** UsageError for a pattern that is no text, or fits no tensor. what: what it is for. */
export function checkPattern(what: string, pattern: string, { name, tensors }: Graph): void {
  if (typeof pattern !== "string") {
    throw new UsageError(`${what} ${JSON.stringify(pattern)}: a pattern of keys is wanted`);
  }
  const keys = Object.keys(tensors);
  if (keys.some((key) => matchesKey(pattern, key))) return;
  const near = closest(pattern, keys);
  const some = keys.length > 8 ? [...keys.slice(0, 4), "...", ...keys.slice(-2)] : keys;
  throw new UsageError(
    `${what} "${visible(pattern)}": ${visible(name)} has no such tensor: ${near ? `did you mean "${near}"? ` : ""}There are ${some.map((key) => visible(key)).join(", ")}; * stands for any characters`,
  );
}

/** Whether a key is what a pattern says, in which * stands for any characters, also none. */
export function matchesKey(pattern: string, key: string): boolean {
  const [first, ...rest] = pattern.split("*");
  if (!key.startsWith(first)) return false;
  if (!rest.length) return key === first;
  const last = rest.pop()!;
  let at = first.length;
  for (const part of rest) {
    const found = key.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return key.length - last.length >= at && key.endsWith(last);
}
