import { OnebitError } from "../errors.js";
import type { Preprocess } from "./preprocess.js";

/** Larger is surely a mistake, and could take gigabytes per image. */
const MAX_SIDE = 4096;

/** Checks a `Preprocess` that comes from a file or a flag; `where` opens the error message. */
export function parsePreprocess(value: unknown, where = "preprocess"): Preprocess {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new OnebitError(`${where}: must be an object, got ${describe(value)}`);
  }
  const p = value as Record<string, unknown>;
  const channels = p.channels;
  if (channels !== 1 && channels !== 3) {
    throw new OnebitError(`${where}.channels: must be 1 or 3, got ${describe(channels)}`);
  }
  const parsed: Preprocess = {
    size: sizePair(p.size, `${where}.size`),
    channels,
    crop: oneOf(p.crop, ["center", "none"] as const, `${where}.crop`),
    interpolation: oneOf(
      p.interpolation,
      ["bilinear", "bicubic"] as const,
      `${where}.interpolation`,
    ),
    mean: numbers(p.mean, channels, Number.isFinite, "finite", `${where}.mean`),
    std: numbers(p.std, channels, isPositive, "above 0", `${where}.std`),
  };
  if (p.resize !== undefined) {
    parsed.resize = isSide(p.resize) ? p.resize : sizePair(p.resize, `${where}.resize`);
  }
  return parsed;
}

function isSide(x: unknown): x is number {
  return Number.isInteger(x) && (x as number) > 0 && (x as number) <= MAX_SIDE;
}

/** Judged in single precision, in which it divides. */
function isPositive(x: number): boolean {
  return Number.isFinite(x) && Math.fround(x) > 0 && Number.isFinite(1 / Math.fround(x));
}

function sizePair(value: unknown, where: string): [number, number] {
  if (Array.isArray(value) && value.length === 2 && isSide(value[0]) && isSide(value[1])) {
    return [value[0], value[1]];
  }
  throw new OnebitError(
    `${where}: must be [height, width], whole numbers from 1 to ${MAX_SIDE}, got ${describe(value)}`,
  );
}

function oneOf<T extends string>(value: unknown, allowed: readonly T[], where: string): T {
  const found = allowed.find((a) => a === value);
  if (found !== undefined) return found;
  throw new OnebitError(`${where}: must be ${allowed.join(" or ")}, got ${describe(value)}`);
}

function numbers(
  value: unknown,
  length: number,
  valid: (x: number) => boolean,
  what: string,
  where: string,
): number[] {
  const ok =
    Array.isArray(value) &&
    value.length === length &&
    value.every((x) => typeof x === "number" && valid(x));
  if (ok) return [...value];
  throw new OnebitError(
    `${where}: must be ${length} number${length === 1 ? "" : "s"} (${what}), one per channel, got ${describe(value)}`,
  );
}

function describe(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
