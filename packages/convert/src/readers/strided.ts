import { OnebitError } from "onebit";

const maxRank = 32;

/** Product of a shape from a file. Throws where a dimension or the product is no possible size. */
export function elementCount(shape: readonly number[], what: string): number {
  if (shape.length > maxRank) {
    throw new OnebitError(`${what} has ${shape.length} dimensions, at most ${maxRank} make sense`);
  }
  for (const size of shape) {
    if (!Number.isSafeInteger(size) || size < 0) {
      throw new OnebitError(`${what}: ${size} is not a size (shape ${shape.join(" x ")})`);
    }
  }
  if (shape.includes(0)) return 0;
  const count = shape.reduce((product, size) => product * size, 1);
  if (!Number.isSafeInteger(count)) {
    throw new OnebitError(
      `${what}: a shape of ${shape.join(" x ")} has more elements than any file`,
    );
  }
  return count;
}

/** Strides, in elements, of a row-major tensor. */
export function rowMajor(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  return strides;
}

export function columnMajor(shape: readonly number[]): number[] {
  return rowMajor(shape.toReversed()).toReversed();
}

/** Strides of dimensions of size 1 do not matter. */
export function isRowMajor(shape: readonly number[], strides: readonly number[]): boolean {
  const expected = rowMajor(shape);
  return shape.every((size, axis) => size === 1 || strides[axis] === expected[axis]);
}

/** Elements from the first to the last one that a view touches, holes included. */
export function spanOf(shape: readonly number[], strides: readonly number[]): number {
  if (shape.includes(0)) return 0;
  return shape.reduce((last, size, axis) => last + (size - 1) * strides[axis], 1);
}

/** Copies a strided view that starts at element 0 into row-major order, bit for bit. */
export function gather(
  bytes: Uint8Array<ArrayBuffer>,
  elementSize: number,
  shape: readonly number[],
  strides: readonly number[],
): Uint8Array<ArrayBuffer> {
  // Eight-byte elements are two words: moving floats could rewrite a NaN, moving words cannot.
  if (elementSize === 8) {
    const doubled = strides.map((stride) => stride * 2);
    return gather(bytes, 4, [...shape, 2], [...doubled, 1]);
  }
  const Words = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array }[elementSize];
  if (!Words) throw new OnebitError(`no element is ${elementSize} bytes long`);
  const source = new Words(bytes.buffer, bytes.byteOffset, bytes.byteLength / elementSize);
  const target = new Words(shape.reduce((product, size) => product * size, 1));
  let written = 0;
  const copy = (axis: number, from: number): void => {
    if (axis === shape.length) {
      target[written++] = source[from];
      return;
    }
    const stride = strides[axis];
    const last = axis === shape.length - 1;
    for (let i = 0, at = from; i < shape[axis]; i++, at += stride) {
      if (last) target[written++] = source[at];
      else copy(axis + 1, at);
    }
  };
  copy(0, 0);
  return new Uint8Array(target.buffer);
}
