import { UsageError, visible } from "onebit";

/** What a policy of timm says. */
export interface RandPolicy {
  /** How strong: 0 to 10, of which it is the mean where `deviation` is above 0. */
  readonly magnitude: number;
  /** Of the normal distribution that magnitudes are drawn from; Infinity: uniform from 0 to `magnitude`. */
  readonly deviation: number;
  /** Magnitudes are cut off to this. */
  readonly most: number;
  /** Operations for each image. */
  readonly operations: number;
  /** Whether all operations grow stronger with the magnitude. */
  readonly increasing: boolean;
  /** With which an operation that was chosen is done. */
  readonly probability: number;
  /** Operations are chosen by weights, without repetition; else all alike. */
  readonly weighted: boolean;
}

const USUAL: RandPolicy = {
  magnitude: 10,
  deviation: 0,
  most: 10,
  operations: 2,
  increasing: false,
  probability: 0.5,
  weighted: false,
};

interface Section {
  readonly key: string;
  readonly means: string;
  readonly form: RegExp;
  readonly least: number;
  readonly limit: number;
  read(value: number): Partial<RandPolicy>;
}

const WHOLE = /^\d+$/;
const DECIMAL = /^\d+(\.\d*)?$/;

const SECTIONS: readonly Section[] = [
  {
    key: "m",
    means: "the magnitude, a whole number such as m7",
    ...{ form: WHOLE, least: 0, limit: 100 },
    read: (magnitude) => ({ magnitude }),
  },
  {
    key: "mstd",
    means: "the deviation of magnitudes, such as mstd0.5; above 100: uniform",
    ...{ form: DECIMAL, least: 0, limit: Number.MAX_VALUE },
    read: (value) => ({ deviation: value > 100 ? Number.POSITIVE_INFINITY : value }),
  },
  {
    key: "mmax",
    means: "what magnitudes are cut off to, a whole number such as mmax10",
    ...{ form: WHOLE, least: 1, limit: 100 },
    read: (most) => ({ most }),
  },
  {
    key: "n",
    means: "operations for each image, a whole number such as n2",
    ...{ form: WHOLE, least: 1, limit: 100 },
    read: (operations) => ({ operations }),
  },
  {
    key: "inc",
    means: "all operations grow with the magnitude: inc1, or left out",
    ...{ form: WHOLE, least: 1, limit: 1 },
    read: () => ({ increasing: true }),
  },
  {
    key: "p",
    means: "the probability of each operation, such as p0.5",
    ...{ form: DECIMAL, least: 0, limit: 1 },
    read: (probability) => ({ probability }),
  },
  {
    key: "w",
    means: "operations chosen by weights: w0, or left out",
    ...{ form: WHOLE, least: 0, limit: 0 },
    read: () => ({ weighted: true }),
  },
];

/**
 * A policy as timm writes it: "rand", then sections in any order, such as "rand-m7-mstd0.5-inc1". Throws
 * a UsageError that says where it is wrong.
 */
export function parsePolicy(text: string): RandPolicy {
  const [start, ...sections] = text.split("-");
  if (start !== "rand") throw wrong(text, 0, `begin with "rand", as in rand-m7-mstd0.5-inc1`);
  let policy = USUAL;
  let at = start.length + 1;
  const seen = new Set<string>();
  for (const section of sections) {
    const { key, value } = readSection(text, at, section);
    if (seen.has(key.key)) throw wrong(text, at, `"${key.key}" is given twice`);
    seen.add(key.key);
    policy = { ...policy, ...key.read(value) };
    at += section.length + 1;
  }
  return policy;
}

function readSection(text: string, at: number, section: string): { key: Section; value: number } {
  const [key] = SECTIONS.filter((one) => section.startsWith(one.key)).sort(
    (a, b) => b.key.length - a.key.length,
  );
  if (!key) {
    const known = SECTIONS.map((one) => one.key).join(", ");
    throw wrong(text, at, `unknown section "${section}": there are ${known}`);
  }
  const digits = section.slice(key.key.length);
  const value = Number(digits);
  if (key.form.test(digits) && value >= key.least && value <= key.limit) return { key, value };
  const place = at + key.key.length;
  throw wrong(text, place, `"${digits}" cannot follow "${key.key}": ${key.means}`);
}

function wrong(text: string, at: number, why: string): UsageError {
  return new UsageError(`"${visible(text)}", character ${at + 1}: ${visible(why)}`);
}
