import type { DilatedConvAttributes } from "./conv-geometry.js";
import type { GradientContext } from "./op.js";

/** What a convolution reads at padded positions (see binary-conv). */
type Attributes = DilatedConvAttributes & { readonly padValue?: 0 | 1 | -1 };

/**
 * Gradients of a convolution with respect to input and weight. A dilated one is a convolution with zeros
 * between the kernel's positions:
 *
 *   dx = conv-input-gradient(g, dilate(w)),   dw = undilate(conv-weight-gradient(x, g))
 */
export function convGradient(
  { b, inputs: [x, w], gradOutputs: [g], needs }: GradientContext,
  { padValue, dilation, ...attrs }: Attributes,
): (string | undefined)[] {
  if (!g) return [];
  const whole = dilation ? b.op("dilate", [w], { dilation }) : w;
  const onInput = () =>
    b.op("conv-input-gradient", [g, whole], { ...attrs, inputShape: b.shape(x) });
  const onWeight = () => {
    const padded = padValue === undefined ? {} : { padValue };
    const weightAttrs = { ...attrs, ...padded, weightShape: b.shape(whole) };
    const gradient = b.op("conv-weight-gradient", [x, g], weightAttrs);
    return dilation ? b.op("undilate", [gradient], { dilation }) : gradient;
  };
  return [needs[0] ? onInput() : undefined, needs[1] ? onWeight() : undefined];
}
