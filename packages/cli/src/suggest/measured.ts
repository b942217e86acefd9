/** What a preset was measured to reach: nothing is said of others. */
export interface Measured {
  readonly model: string;
  readonly widths: readonly number[];
  /** Channels, height, width. */
  readonly input: readonly [number, number, number];
  readonly dataset: string;
  /** Fraction of the test images, in float and in whole numbers. */
  readonly top1: number;
  readonly integerTop1: number;
  /** What was measured, and where it is written down. */
  readonly source: string;
}

export const measured: readonly Measured[] = [
  {
    model: "bnext-nano",
    widths: [32, 64, 128, 128, 128],
    input: [1, 28, 28],
    dataset: "Fashion-MNIST",
    top1: 0.9257,
    integerTop1: 0.9253,
    source: "models/README.md, docs/devices.md",
  },
];
