import { OnebitError } from "onebit";
import { type Graph, GraphBuilder } from "onebit/graph";
import { type Loss, lossName, parseTerms, teacherNumber, teacherValue } from "../losses/index.js";
import { added, outputsOf } from "./plan.js";

/**
 * Numbers of the teachers that a loss asks, told before any is opened by trying it with `count` teachers that
 * have logits. A number of `count` or more: it wants more of them.
 *
 * A function that asks for what else a teacher may have is tried no further: it counts as asking all.
 */
export function teachersAsked(
  loss: Loss | string,
  network: Graph,
  count: number,
): readonly number[] {
  const terms = typeof loss === "string" ? parseTerms(loss).map((term) => term.loss) : [loss];
  const asked = new Set<number>();
  const about = `the loss "${lossName(loss)}"`;
  for (const term of terms) {
    const isWhole = tryLoss(term, { network, count, asked, about });
    if (!isWhole && typeof loss !== "string") for (let t = 0; t < count; t++) asked.add(t);
  }
  return [...asked];
}

/** Adds the numbers that it asks; false where it could not be tried to its end. */
function tryLoss(
  loss: Loss,
  how: {
    readonly network: Graph;
    readonly count: number;
    readonly asked: Set<number>;
    /** What messages call the whole of it. */
    readonly about: string;
  },
): boolean {
  const { network, count, asked, about } = how;
  const b = GraphBuilder.from(network);
  const shape = b.shape(network.outputs.logits);
  const names = ["target", ...Array.from({ length: count }, (_, t) => teacherValue(t))];
  const get = (name: string) => {
    const number = teacherNumber(name);
    if (number !== undefined) asked.add(number);
    if (!names.includes(name)) throw new NotTried("not tried");
    return b.has(name) ? name : b.input(name, shape);
  };
  try {
    added(about, () => loss(b, outputsOf(network, about), { names, get }));
    return true;
  } catch (error) {
    if (error instanceof NotTried) return false;
    throw error;
  }
}

/** Whether there is such an input is found out when the loss is compiled. */
class NotTried extends OnebitError {}
