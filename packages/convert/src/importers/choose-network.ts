import { OnebitError } from "onebit";
import { counted, shellWord } from "onebit/words";
import { usualDicts } from "../readers/state-dict.js";
import { printable } from "../readers/text.js";
import { type Candidate, plainName } from "./networks-in.js";

/** Names of averaged copies: timm's state_dict_ema, averaged_model, swa_model. */
const AVERAGED = /(^|[._])(ema|averaged?|swa|avg|polyak|shadow)([._\d]|$)/i;
const TEACHER = /(^|[._])(teachers?|assistants?)([._\d]|$)/i;

export const isAveraged = ({ name }: Pick<Candidate, "name">): boolean => AVERAGED.test(name);

/**
 * The network to import. Names decide where several lie in a file, in this order:
 *
 *   what the caller says       a dict or the modules around the network, in whole or in part
 *   plain weights              before their averaged copies
 *   students                   before teachers in the same dict
 *   what is around the others  a network that holds them as parts
 *   a training script's names  state_dict, model, ...
 *
 * OnebitError, which says how to choose, where they do not decide.
 */
export function chooseNetwork(candidates: readonly Candidate[], told?: string): Candidate {
  let left = told === undefined ? candidates : namedBy(candidates, told);
  left = unless(isAveraged, left);
  const dicts = new Set(left.map(({ wrapper }) => wrapper.join(".")));
  if (dicts.size === 1) left = unless(({ name }) => TEACHER.test(name), left);
  const chosen = left.length === 1 ? left[0] : (holderOf(left) ?? usual(left));
  if (chosen) return chosen;
  throw new OnebitError(
    `which network is meant? There are ${listed(left)}: choose with ${flags(left, " or ")}`,
  );
}

/** How a candidate is chosen. */
export function flagOf({ name, wrapper }: Candidate): string {
  const place = name || wrapper.join(".");
  return place ? `--dict ${shellWord(printable(place))}` : "no --dict at all";
}

/** Whole names before ends before beginnings before parts. */
function namedBy(candidates: readonly Candidate[], told: string): readonly Candidate[] {
  const wanted = plainName(told.replace(/\.\*?$/, ""));
  const ways: ((name: string) => boolean)[] = [
    (name) => name === wanted,
    (name) => name.endsWith(`.${wanted}`),
    (name) => name.startsWith(`${wanted}.`),
    (name) => name.includes(`.${wanted}.`),
  ];
  for (const matches of ways) {
    const found = candidates.filter(({ name }) => matches(name));
    if (found.length > 0) return found;
  }
  throw new OnebitError(
    `${printable(told)}: no network of a known family lies there; choose with ${flags(candidates, " or ")}`,
  );
}

function unless(
  isAside: (candidate: Candidate) => boolean,
  candidates: readonly Candidate[],
): readonly Candidate[] {
  const others = candidates.filter((candidate) => !isAside(candidate));
  return others.length > 0 ? others : candidates;
}

function holderOf(candidates: readonly Candidate[]): Candidate | undefined {
  return candidates.find(({ name }) =>
    candidates.every((other) => other.name === name || !name || other.name.startsWith(`${name}.`)),
  );
}

function usual(candidates: readonly Candidate[]): Candidate | undefined {
  for (const dict of usualDicts) {
    const found = candidates.filter(({ wrapper }) => wrapper[0] === dict);
    if (found.length > 0) return found.length === 1 ? found[0] : undefined;
  }
  return undefined;
}

const shown = 8;

function listed(candidates: readonly Candidate[]): string {
  const names = candidates.slice(0, shown).map(({ name, tensors }) => {
    return `${printable(name) || "the file itself"} (${counted(tensors.size, "tensor")})`;
  });
  return names.join(", ") + more(candidates);
}

const flags = (candidates: readonly Candidate[], separator: string) =>
  candidates.slice(0, shown).map(flagOf).join(separator) + more(candidates);

const more = ({ length }: readonly Candidate[]) =>
  length > shown ? `, and ${length - shown} more` : "";
