import { OnebitError } from "../errors.js";

/** Readers for parsed JSON of unknown origin: each returns its argument, typed, or throws. */

export function record(value: unknown, where: string): { readonly [key: string]: unknown } {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as { readonly [key: string]: unknown };
  }
  throw new OnebitError(`${where}: must be an object, is ${describe(value)}`);
}

export function array(value: unknown, where: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new OnebitError(`${where}: must be a list, is ${describe(value)}`);
}

export function string(value: unknown, where: string): string {
  if (typeof value === "string") return value;
  throw new OnebitError(`${where}: must be a string, is ${describe(value)}`);
}

export function number(value: unknown, where: string): number {
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw new OnebitError(`${where}: must be a finite number, is ${describe(value)}`);
}

export function integer(value: unknown, where: string): number {
  if (Number.isSafeInteger(value)) return value as number;
  throw new OnebitError(`${where}: must be a whole number, is ${describe(value)}`);
}

export function integers(value: unknown, where: string): number[] {
  const list = array(value, where);
  if (!list.every(Number.isSafeInteger)) for (const item of list) integer(item, where);
  return list as number[];
}

export function strings(value: unknown, where: string): string[] {
  const list = array(value, where);
  for (let i = 0; i < list.length; i++) string(list[i], where);
  return list as string[];
}

/** Lists and objects are not written out: they may be nested without end. */
function describe(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "an object";
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
