import { UsageError, visible } from "onebit";
import { unknownName } from "onebit/words";
import { LOSSES } from "./catalogue.js";
import type { Loss, LossKind, LossOptions } from "./loss.js";
import { scaled, sumOf } from "./soft-cross-entropy.js";

/**
 * A loss in words: terms of LOSSES with their options, each with a factor where it is not 1.
 *
 *   cross-entropy(smoothing=0.1)
 *   gap-aware(form=as-intended, weight=nearer)
 *   0.9*distillation(temperature=4) + 0.1*cross-entropy + 0.01*kurtosis
 *
 * Throws a UsageError that says where the text is wrong, and what there is.
 */
export function parseLoss(text: string): Loss {
  const terms = parseTerms(text);
  return (b, outputs, inputs) =>
    sumOf(
      b,
      terms.map(({ factor, loss }) => scaled(b, loss(b, outputs, inputs), factor)),
    );
}

/** What a loss in words is the sum of. */
export function parseTerms(text: string): Term[] {
  return splitTerms(text).map(({ at, term }) => parseTerm(text, at, term));
}

interface Term {
  readonly factor: number;
  readonly loss: Loss;
}

/** Between the signs + that are not inside brackets or numbers. */
function splitTerms(text: string): { at: number; term: string }[] {
  const terms: { at: number; term: string }[] = [];
  let [depth, from] = [0, 0];
  for (let i = 0; i <= text.length; i++) {
    if (text[i] === "(") depth++;
    if (text[i] === ")") depth--;
    const isSign = text[i] === "+" && depth === 0 && !/\d[eE]$/.test(text.slice(from, i));
    if (i < text.length && !isSign) continue;
    terms.push({ at: from, term: text.slice(from, i) });
    from = i + 1;
  }
  return terms;
}

const TERM = /^\s*(?:([^\s*()]+)\s*\*\s*)?([^\s*()]+)\s*(?:\(([^()]*)\))?\s*$/;

function parseTerm(text: string, at: number, term: string): Term {
  const found = TERM.exec(term);
  if (!found) {
    throw wrong(text, at, `"${term.trim()}": write a loss such as 0.5*distillation(temperature=4)`);
  }
  const [, factorText = "1", name, optionText = ""] = found;
  const factor = Number(factorText);
  if (!Number.isFinite(factor)) throw wrong(text, at, `"${factorText}" is no number`);
  if (factor === 0) throw wrong(text, at, `${name} times 0 adds nothing: leave it out`);
  const kind = LOSSES.find((loss) => loss.name === name);
  if (!kind)
    throw wrong(
      text,
      at + term.indexOf(name),
      unknownName(
        "loss",
        name,
        LOSSES.map((k) => k.name),
      ),
    );
  let options: LossOptions = {};
  for (const assignment of optionText.split(",").filter((part) => part.trim())) {
    const found = parseOption(text, at, kind, assignment.trim());
    const [option] = Object.keys(found);
    if (Object.hasOwn(options, option)) {
      throw wrong(text, at, `${option} of ${name} is given twice`);
    }
    options = { ...options, ...found };
  }
  return { factor, loss: kind.make({ ...kind.defaults, ...options }) };
}

function parseOption(text: string, at: number, kind: LossKind, assignment: string): LossOptions {
  const [option, value, ...more] = assignment.split("=").map((part) => part.trim());
  const place = text.indexOf(assignment, at);
  if (!Object.hasOwn(kind.defaults, option)) {
    throw wrong(
      text,
      place,
      unknownName(`option of ${kind.name}`, option, Object.keys(kind.defaults)),
    );
  }
  if (!value || more.length) throw wrong(text, place, `"${assignment}": write ${option}=value`);
  if (typeof kind.defaults[option] === "number") {
    const number = Number(value);
    const [least, most] = kind.ranges?.[option] ?? [
      Number.NEGATIVE_INFINITY,
      Number.POSITIVE_INFINITY,
    ];
    const isWhole = kind.whole?.includes(option) ?? false;
    const fits = number >= least && number <= most && (!isWhole || Number.isInteger(number));
    if (fits) return { [option]: number };
    const what = isWhole ? "a whole number" : "a number";
    const wanted = kind.ranges?.[option] ? `${what} from ${least} to ${most}` : what;
    throw wrong(text, place, `${option}: "${value}" must be ${wanted}`);
  }
  const words = kind.words?.[option];
  if (!words || words.includes(value)) return { [option]: value };
  throw wrong(text, place, `${option}: "${value}" is none of ${words.join(", ")}`);
}

function wrong(text: string, at: number, why: string): UsageError {
  return new UsageError(`loss "${visible(text)}", character ${at + 1}: ${visible(why)}`);
}
