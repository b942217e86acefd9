import { type BadPicture, describeBad } from "@onebit/train/data";
import { OnebitError } from "onebit";
import { counted } from "onebit/words";
import type { Output } from "./terminal.js";

/** Names the pictures that could not be used, and fails if there are any. */
export function reportBad(out: Output, bad: readonly BadPicture[], of: number): void {
  if (bad.length === 0) return;
  for (const line of describeBad(bad)) out.note(line);
  throw new OnebitError(
    `${bad.length} of ${counted(of, "picture")} cannot be used, and ${bad.length === 1 ? "is" : "are"} not in the result: replace or remove ${bad.length === 1 ? "it" : "them"}`,
  );
}

/** As JSON lists them. */
export function listBad(bad: readonly BadPicture[]): { input: string; error: string }[] {
  return bad.map(({ source, reason }) => ({ input: source, error: reason }));
}
