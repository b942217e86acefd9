import { fit, normalize, type PixelImage, type Preprocess } from "onebit/image";

/**
 * What a teacher sees of a student's batch: the same pixels, augmented alike, in the teacher's size, colours
 * and normalisation. images: [N, C, H, W] as `own` prepares them. Returns [N, C', H', W'].
 */
export function teacherImages(
  images: Float32Array,
  own: Preprocess,
  wanted: Preprocess,
): Float32Array {
  if (isSame(own, wanted)) return images;
  const stride = lengthOf(own);
  const step = lengthOf(wanted);
  const count = images.length / stride;
  const out = new Float32Array(count * step);
  // The student's crop is all there is: its whole goes into the teacher's input.
  const whole: Preprocess = { ...wanted, resize: [...wanted.size], crop: "none" };
  for (let n = 0; n < count; n++) {
    const seen = pixels(images.subarray(n * stride, (n + 1) * stride), own);
    normalize(fit(seen, whole), whole, out, n * step);
  }
  return out;
}

const lengthOf = ({ size: [height, width], channels }: Preprocess) => channels * height * width;

function isSame(a: Preprocess, b: Preprocess): boolean {
  const facts = ({ size, channels, mean, std }: Preprocess) =>
    JSON.stringify([size, channels, mean, std]);
  return facts(a) === facts(b);
}

/** Back to 8 bits: exact, because normalisation is all that was done to them. */
function pixels(planes: Float32Array, { size, channels, mean, std }: Preprocess): PixelImage {
  const [height, width] = size;
  const length = height * width;
  const data = new Uint8ClampedArray(length * channels);
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < length; i++) {
      data[i * channels + c] = 255 * (planes[c * length + i] * std[c] + mean[c]);
    }
  }
  return { data, width, height, channels };
}
