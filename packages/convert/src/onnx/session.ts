import { type FloatTensor, OnebitError, UsageError } from "onebit";
import { counted } from "onebit/words";
import type { OnnxClassifierInfo } from "./classifier.js";
import { feedOf, type OnnxFeed } from "./input-type.js";
import { judgeScores, logitsOf } from "./scores.js";

/** What runs the network: openOnnxSession on ONNX Runtime, or anything else that can. */
export interface OnnxSession {
  /** One input, of the type that the model takes; every output that was asked for, as float32. */
  run(
    feeds: { readonly [input: string]: OnnxFeed },
    outputs: readonly string[],
  ): Promise<{ readonly [output: string]: FloatTensor }>;
  dispose(): Promise<void>;
}

/** Images per call where the model leaves the batch open. */
const BATCH = 32;

/**
 * A float network in ONNX as a teacher or a peer: class scores for normalised images, whatever
 * layout, type and batch it wants. ONNX Runtime does the arithmetic.
 */
export class OnnxClassifier {
  constructor(
    readonly info: OnnxClassifierInfo,
    readonly session: OnnxSession,
  ) {}

  /**
   * Runs two images of noise to see what the scores are, where the operators do not tell or end in a
   * softmax, over whichever axis. OnebitError where the scores are of no use.
   */
  static async open(info: OnnxClassifierInfo, session: OnnxSession): Promise<OnnxClassifier> {
    const plain = new OnnxClassifier(info, session);
    if (info.scores !== "softmax" && info.scores !== "unknown") return plain;
    const { kind, note } = judgeScores(info.scores, await plain.#probe());
    const notes = note ? [...info.notes, note] : info.notes;
    return new OnnxClassifier({ ...info, scores: kind, notes }, session);
  }

  /** Logits [N, classes] of normalised images [N, C, H, W]; a softmax or sigmoid is undone. */
  async run(images: FloatTensor): Promise<{ readonly logits: FloatTensor }> {
    const { classes, scores } = this.info;
    const count = this.#check(images);
    const data = logitsOf(scores, await this.#scores(images.data, count));
    const wrong = data.findIndex(Number.isNaN);
    if (wrong >= 0) {
      throw new OnebitError(
        `the scores of image ${Math.floor(wrong / classes)} are not numbers (NaN): the network overflows, or its weights are damaged`,
      );
    }
    return { logits: { shape: [count, classes], data } };
  }

  dispose(): Promise<void> {
    return this.session.dispose();
  }

  async #scores(images: Float32Array, count: number): Promise<Float32Array> {
    const { classes, batch = BATCH } = this.info;
    const size = images.length / count;
    const data = new Float32Array(count * classes);
    for (let start = 0; start < count; start += batch) {
      const wanted = Math.min(batch, count - start);
      const part = images.subarray(start * size, (start + wanted) * size);
      data.set(await this.#call(part, wanted), start * classes);
    }
    return data;
  }

  async #call(part: Float32Array, count: number): Promise<Float32Array> {
    const { inputName, outputName, classes, batch = count } = this.info;
    const feeds = { [inputName]: this.feed(part, count) };
    const { [outputName]: scores } = await this.session.run(feeds, [outputName]);
    const data = scores.data.subarray(0, count * classes);
    const [first] = scores.shape.length > 1 ? scores.shape : [1];
    if (first === batch && data.length === count * classes) return data;
    throw new OnebitError(
      `output "${outputName}" is [${scores.shape}] for ${counted(count, "image")} of ${counted(classes, "class")}`,
    );
  }

  /** Scores of two images of noise, as the model gives them. */
  async #probe(): Promise<Float32Array[]> {
    const { input, inputType, classes } = this.info;
    const length = 2 * input.channels * input.height * input.width;
    const noise = (_: unknown, i: number) => 2 * Math.sin(12.9898 * (i + 1));
    const pixel = (_: unknown, i: number) => (i * 7919) % 251;
    const images = Float32Array.from({ length }, inputType === "uint8" ? pixel : noise);
    const scores = await this.#scores(images, 2);
    return [scores.subarray(0, classes), scores.subarray(classes)];
  }

  /** Images [C, H, W] each, as the model's input: its layout and type, its batch filled up with zeros. */
  feed(part: Float32Array, count: number): OnnxFeed {
    const { inputName, inputType, layout, batch = count, input } = this.info;
    const { channels, height, width } = input;
    const plane = height * width;
    const data = new Float32Array(batch * channels * plane);
    if (layout === "nchw") {
      data.set(part);
      return feedOf(inputName, inputType, { shape: [batch, channels, height, width], data });
    }
    for (let n = 0; n < count; n++)
      for (let c = 0; c < channels; c++) {
        const from = (n * channels + c) * plane;
        for (let i = 0; i < plane; i++) data[(n * plane + i) * channels + c] = part[from + i];
      }
    return feedOf(inputName, inputType, { shape: [batch, height, width, channels], data });
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
