import { type FloatTensor, OnebitError, UsageError } from "onebit";
import type { OnnxClassifierInfo } from "./classifier.js";

/** The part of ONNX Runtime that is needed; whoever has it gives it, so that this package need not. */
export interface OnnxSession {
  /** One float32 input; every output that was asked for. */
  run(
    feeds: { readonly [input: string]: FloatTensor },
    outputs: readonly string[],
  ): Promise<{ readonly [output: string]: FloatTensor }>;
  dispose(): Promise<void>;
}

/** Images per call where the model leaves the batch open. */
const BATCH = 32;

/**
 * A float network in ONNX as a teacher or a peer: class scores for normalised images, whatever
 * layout and batch it wants. ONNX Runtime does the arithmetic.
 */
export class OnnxClassifier {
  constructor(
    readonly info: OnnxClassifierInfo,
    readonly session: OnnxSession,
  ) {}

  /** Logits [N, classes] of normalised images [N, C, H, W]; logarithms where it gives probabilities. */
  async run(images: FloatTensor): Promise<{ readonly logits: FloatTensor }> {
    const { classes, batch = BATCH } = this.info;
    const count = this.#check(images);
    const size = images.data.length / count;
    const data = new Float32Array(count * classes);
    for (let start = 0; start < count; start += batch) {
      const wanted = Math.min(batch, count - start);
      const part = images.data.subarray(start * size, (start + wanted) * size);
      data.set(await this.#scores(part, wanted), start * classes);
    }
    return { logits: { shape: [count, classes], data } };
  }

  dispose(): Promise<void> {
    return this.session.dispose();
  }

  async #scores(part: Float32Array, count: number): Promise<Float32Array> {
    const { inputName, outputName, classes, probabilities } = this.info;
    const feeds = { [inputName]: this.feed(part, count) };
    const { [outputName]: scores } = await this.session.run(feeds, [outputName]);
    const data = scores.data.subarray(0, count * classes);
    if (data.length !== count * classes) {
      throw new OnebitError(
        `output "${outputName}" is [${scores.shape}] for ${count} images of ${classes} classes`,
      );
    }
    return probabilities ? data.map((p) => Math.log(Math.max(p, TINY))) : data;
  }

  /** Images [C, H, W] each, as the model's input: its layout, and its batch filled up with zeros. */
  feed(part: Float32Array, count: number): FloatTensor {
    const { layout, batch = count, input } = this.info;
    const { channels, height, width } = input;
    const plane = height * width;
    const data = new Float32Array(batch * channels * plane);
    if (layout === "nchw") {
      data.set(part);
      return { shape: [batch, channels, height, width], data };
    }
    for (let n = 0; n < count; n++)
      for (let c = 0; c < channels; c++) {
        const from = (n * channels + c) * plane;
        for (let i = 0; i < plane; i++) data[(n * plane + i) * channels + c] = part[from + i];
      }
    return { shape: [batch, height, width, channels], data };
  }

  #check({ shape, data }: FloatTensor): number {
    const { channels, height, width } = this.info.input;
    const [count, ...rest] = shape;
    const fits = rest.join() === [channels, height, width].join() && count > 0;
    if (fits && data.length === shape.reduce((n, dim) => n * dim, 1)) return count;
    throw new UsageError(
      `input [${shape}] does not fit: [N, ${channels}, ${height}, ${width}] is wanted`,
    );
  }
}

/** The smallest normal float32: the logarithm of 0 is no score. */
const TINY = 2 ** -126;
