import type { Lowering } from "../onnx/lowering.js";
import type { ConvWeightGradientAttributes } from "./conv-weight-gradient.js";
import { lowerPad } from "./pad-map.js";
import { columns } from "./weight-gradient-columns.js";
import type { WeightGradientForm, WeightGradientGeometry } from "./weight-gradient-form.js";
import { splitUnfold } from "./weight-gradient-split.js";
import { unfold } from "./weight-gradient-unfold.js";

const SCRATCH_LIMIT = 64 * 2 ** 20;

export function lowerWeightGradient(l: Lowering, attrs: ConvWeightGradientAttributes): string {
  const { stride, groups, weightShape, padValue = 0 } = attrs;
  const [ph, pw] = attrs.padding;
  const [n, c, h, w] = l.shape(0);
  const [, o, outHeight, outWidth] = l.shape(1);
  const [given, g] = l.inputs;
  const x = padValue ? lowerPad(l, given, [ph, pw, ph, pw], padValue) : given;
  const geometry: WeightGradientGeometry = {
    kernel: [weightShape[2], weightShape[3]],
    stride,
    padding: padValue ? [0, 0] : [ph, pw],
    groups,
    input: padValue ? [c, h + 2 * ph, w + 2 * pw] : [c, h, w],
    output: [o, outHeight, outWidth],
  };
  const form = chooseForm(l, geometry);
  const sizes = chunkSizes(n, Math.floor(SCRATCH_LIMIT / form.scratch(geometry)));
  let from = 0;
  const partials = sizes.map((images) => {
    const take = (value: string) => lowerImages(l, value, from, images, n);
    const partial = form.partial(l, take(x), take(g), images, geometry);
    from += images;
    return partial;
  });
  const sum = partials.reduce((total, partial) => l.emit("Add", [total, partial]));
  return form.finish(l, sum, geometry);
}

/** The fast forms are tuned for ONNX Runtime's CPU provider and know no groups. */
function chooseForm(
  l: Lowering,
  { kernel, stride, padding, groups }: WeightGradientGeometry,
): WeightGradientForm {
  if (l.target !== "cpu" || groups > 1) return columns;
  const plain = stride[0] === 1 && stride[1] === 1 && padding[1] < kernel[1];
  return plain ? splitUnfold : unfold;
}

/** Near-equal parts of at most `limit` images. */
export function chunkSizes(images: number, limit: number): number[] {
  const count = Math.ceil(images / Math.max(1, limit));
  return Array.from(
    { length: count },
    (_, i) => Math.floor(((i + 1) * images) / count) - Math.floor((i * images) / count),
  );
}

function lowerImages(l: Lowering, value: string, from: number, count: number, all: number): string {
  if (count === all) return value;
  return l.emit("Slice", [value, l.ints([from]), l.ints([from + count]), l.ints([0])]);
}
