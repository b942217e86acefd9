import { OnebitError, UsageError } from "onebit";
import { unknownName } from "onebit/words";

/** Reads a value that came from a file; UsageError that begins with its place. */
export type Reader<T> = (value: unknown, place: string) => T;

type Readers<T> = { readonly [K in keyof T]-?: Reader<T[K]> };

/** A group of fields. Unknown ones are refused; those that may be absent have a reader that takes undefined. */
export function group<T>(readers: Readers<T>): Reader<T> {
  return (value, place) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw misread(place, value, "a group of fields");
    }
    const known = Object.keys(readers);
    for (const field of Object.keys(value)) {
      if (!Object.hasOwn(readers, field)) {
        throw new UsageError(prefixed(place, unknownName("field", field, known)));
      }
    }
    const read = known.map((field) => {
      const own = (value as { [field: string]: unknown })[field];
      return [field, readers[field as keyof T](own, inside(place, field))] as const;
    });
    return Object.fromEntries(read.filter(([, field]) => field !== undefined)) as T;
  };
}

export const optional =
  <T>(reader: Reader<T>): Reader<T | undefined> =>
  (value, place) =>
    value === undefined ? undefined : reader(value, place);

export function listOf<T>(reader: Reader<T>, least = 0): Reader<readonly T[]> {
  return (value, place) => {
    if (!Array.isArray(value)) throw misread(place, value, "a list");
    if (value.length < least) throw misread(place, value, `a list of ${least} or more`);
    return value.map((item, i) => reader(item, `${place}[${i}]`));
  };
}

export const text: Reader<string> = (value, place) => {
  if (typeof value === "string" && value.trim() !== "") return value;
  throw misread(place, value, "a text");
};

/** A name that can be one of a folder. */
export const folderName: Reader<string> = (value, place) => {
  if (typeof value === "string" && /^[\w+][\w.+-]{0,60}$/.test(value)) return value;
  throw misread(place, value, "a name of letters, digits, _, +, - and .");
};

export const whole: Reader<number> = (value, place) => {
  if (Number.isSafeInteger(value) && (value as number) > 0) return value as number;
  throw misread(place, value, "a positive whole number");
};

/** Each run of a plan is written down: more would be a slip, and fill the memory. */
const MOST_SEEDS = 10_000;

export const seedCount: Reader<number> = (value, place) => {
  const seeds = whole(value, place);
  if (seeds <= MOST_SEEDS) return seeds;
  throw misread(place, value, `a whole number up to ${MOST_SEEDS}`);
};

export const wholeFromZero: Reader<number> = (value, place) =>
  value === 0 ? 0 : whole(value, place);

export const share: Reader<number> = (value, place) => {
  if (typeof value === "number" && value > 0 && value < 1) return value;
  throw misread(place, value, "a share above 0 and below 1, such as 0.1,");
};

export function oneOf<const T extends string>(what: string, choices: readonly T[]): Reader<T> {
  return (value, place) => {
    if (choices.some((choice) => choice === value)) return value as T;
    if (typeof value !== "string") throw misread(place, value, choices.join(" or "));
    throw new UsageError(prefixed(place, unknownName(what, value, choices)));
  };
}

/** Any group of fields: whoever uses it checks them. */
export const anyGroup = <T extends object>(value: unknown, place: string): T => {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as T;
  throw misread(place, value, "a group of fields");
};

export function misread(place: string, value: unknown, wanted: string): UsageError {
  const is =
    value === undefined ? "is missing" : `is ${JSON.stringify(value) ?? `a ${typeof value}`}`;
  return new UsageError(`${place || "the study"} ${is}: ${wanted} is wanted`);
}

/** What `work` refuses is said with its place. */
export function at<T>(place: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw placed(place, error);
  }
}

export function placed(place: string, error: unknown): unknown {
  if (!(error instanceof OnebitError)) return error;
  const Kind = error instanceof UsageError ? UsageError : OnebitError;
  return new Kind(prefixed(place, error.message));
}

const prefixed = (place: string, message: string) => (place ? `${place}: ${message}` : message);
const inside = (place: string, field: string) => (place ? `${place}.${field}` : field);
