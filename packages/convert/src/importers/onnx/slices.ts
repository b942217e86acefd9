import { sizeOf, type Tensor } from "onebit/graph";

/** ONNX's Slice of constants: axis by axis, backwards where the step is negative; undefined where it is none. */
export function sliced([x, starts, ends, axes, steps]: readonly Tensor[]): Tensor | undefined {
  let result = x;
  for (const [i, start] of starts.data.entries()) {
    const axis = axes?.data[i] ?? i;
    const step = steps?.data[i] ?? 1;
    const along = axis < 0 ? axis + x.shape.length : axis;
    if (!(along in x.shape) || !Number.isSafeInteger(step) || step === 0) return undefined;
    result = taken(result, along, placesOf(x.shape[along], start, ends.data[i], step));
  }
  return result;
}

/** What lies outside counts as the end. */
function placesOf(size: number, start: number, end: number, step: number): number[] {
  const [least, most] = step > 0 ? [0, size] : [-1, size - 1];
  const [from, to] = [start, end].map((place) =>
    Math.min(Math.max(place < 0 ? place + size : place, least), most),
  );
  const count = Math.max(0, Math.ceil((to - from) / step));
  return Array.from({ length: count }, (_, i) => from + i * step);
}

function taken({ shape, data }: Tensor, axis: number, places: readonly number[]): Tensor {
  const inner = sizeOf(shape.slice(axis + 1));
  const sizes = shape.with(axis, places.length);
  const result = data.slice(0, sizeOf(sizes));
  for (let i = 0; i < result.length; i++) {
    const [rest, place] = [Math.floor(i / inner), i % inner];
    const [outer, at] = [Math.floor(rest / places.length), rest % places.length];
    result[i] = data[(outer * shape[axis] + places[at]) * inner + place];
  }
  return { shape: sizes, data: result };
}
