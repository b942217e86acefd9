import { OnebitError } from "../errors.js";
import type { Preprocess } from "./preprocess.js";

/** Larger is surely a mistake, and could take gigabytes per image. */
const MAX_SIDE = 4096;

/** Checks a `Preprocess` that comes from a file or a flag; `where` opens the error, which lists all that is wrong. */
export function parsePreprocess(value: unknown, where = "preprocess"): Preprocess {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new OnebitError(`${where}: must be an object, got ${describe(value)}`);
  }
  const p = value as Record<string, unknown>;
  const { size, channels, crop, interpolation, mean, std, resize } = p;
  const checks: readonly (readonly [field: string, isRight: boolean, wanted: string])[] = [
    ["channels", channels === 1 || channels === 3, "1 or 3"],
    ["size", isPair(size), PAIR],
    ["crop", crop === "center" || crop === "none", "center or none"],
    [
      "interpolation",
      interpolation === "bilinear" || interpolation === "bicubic",
      "bilinear or bicubic",
    ],
    ["mean", areNumbers(mean, channels, Number.isFinite), numbers(channels, "finite")],
    ["std", areNumbers(std, channels, isPositive), numbers(channels, "above 0")],
    ["resize", resize === undefined || isSide(resize) || isPair(resize), `a side, or ${PAIR}`],
  ];
  const wrong = checks.filter(([, isRight]) => !isRight);
  if (wrong.length > 0) {
    const said = wrong.map(
      ([field, , wanted]) => `${where}.${field}: must be ${wanted}, got ${describe(p[field])}`,
    );
    throw new OnebitError(said.join("; "));
  }
  const parsed = { size, channels, crop, interpolation, mean, std };
  return structuredClone(resize === undefined ? parsed : { ...parsed, resize }) as Preprocess;
}

const PAIR = `[height, width], whole numbers from 1 to ${MAX_SIDE}`;

const numbers = (channels: unknown, what: string): string =>
  `${channels === 1 ? "1 number" : `${channels === 3 ? 3 : "1 or 3"} numbers`} (${what}), one per channel`;

function isSide(x: unknown): boolean {
  return Number.isInteger(x) && (x as number) > 0 && (x as number) <= MAX_SIDE;
}

function isPair(x: unknown): boolean {
  return Array.isArray(x) && x.length === 2 && x.every(isSide);
}

/** Judged in single precision, in which it divides. */
function isPositive(x: number): boolean {
  return Number.isFinite(x) && Math.fround(x) > 0 && Number.isFinite(1 / Math.fround(x));
}

function areNumbers(value: unknown, channels: unknown, valid: (x: number) => boolean): boolean {
  if (!Array.isArray(value)) return false;
  // How many are wanted is not known where the channels are wrong.
  const isLong = (channels !== 1 && channels !== 3) || value.length === channels;
  return isLong && value.every((x) => typeof x === "number" && valid(x));
}

function describe(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
