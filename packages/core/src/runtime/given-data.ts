import { classOf } from "../describe.js";
import type { TensorInfo } from "./model.js";

/** Of a list of any kind. */
export function numbersOf(list: unknown): number[] {
  const isList = Array.isArray(list) || ArrayBuffer.isView(list);
  return isList ? Array.from(list as ArrayLike<number>) : [];
}

/** What can be taken for floats. */
export function floatsOf(data: unknown): Float32Array | ArrayLike<number> | undefined {
  if (/^Float(16|32|64)Array$/.test(classOf(data))) return data as Float32Array;
  return Array.isArray(data) && data.every((x) => typeof x === "number") ? data : undefined;
}

/** What can be taken for 8-bit pixels. */
export function bytesOf(data: unknown): Uint8Array | Uint8ClampedArray | undefined {
  if (/^Uint8(Clamped)?Array$/.test(classOf(data))) return data as Uint8Array;
  const isByte = (x: unknown) => Number.isInteger(x) && (x as number) >= 0 && (x as number) <= 255;
  // Not every(), which passes over holes.
  const isBytes = Array.isArray(data) && Array.from(data).every(isByte);
  return isBytes ? Uint8Array.from(data as number[]) : undefined;
}

/** "[N, 3, 224, 224]" */
export function shapeText(count: string, { shape }: TensorInfo): string {
  return `[${[count, ...shape].join(", ")}]`;
}
