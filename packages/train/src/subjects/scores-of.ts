import { OnebitError } from "onebit";
import { onebitCommand } from "onebit/words";
import type { Scores, Subject } from "./subject.js";

/** OnebitError for a network that scores no classes: which outputs it has, and how to get at them. */
export function scoresOf({ path, scores, outputs }: Subject): Scores {
  if (scores) return scores;
  const there = Object.keys(outputs).map((name) => `"${name}"`);
  const command = onebitCommand("run", path, "--input", "x.npy", "--output", "y.npy");
  throw new OnebitError(
    `${path}: scores no classes: it has no output "logits", but ${there.join(", ")}; what it gives: ${command}`,
  );
}
