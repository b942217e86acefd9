/** Fractions from 0 to 1; loss is the mean cross-entropy. top5 is 1 for five classes or fewer. */
export interface Accuracy {
  readonly images: number;
  readonly top1: number;
  readonly top5: number;
  readonly loss: number;
  /** One's own, by name; absent: there are none. */
  readonly metrics?: { readonly [name: string]: number };
}

/** Top-1, top-5, loss and confusion over a data set. On equal logits the lower class comes first. */
export class Scoreboard {
  #images = 0;
  #loss = 0;
  #top1 = 0;
  #top5 = 0;
  /** counts[truth * classes + prediction]. */
  readonly confusion: Uint32Array;

  constructor(readonly classes: number) {
    this.confusion = new Uint32Array(classes * classes);
  }

  /** Adds a batch of logits [n, classes]; returns the predicted class of every image. */
  add(logits: Float32Array, labels: Int32Array): Int32Array {
    const { classes } = this;
    const predictions = new Int32Array(logits.length / classes);
    for (let n = 0; n < predictions.length; n++) {
      const row = logits.subarray(n * classes, (n + 1) * classes);
      const label = labels[n];
      const { best, rank, loss } = score(row, label);
      predictions[n] = best;
      this.confusion[label * classes + best]++;
      this.#images++;
      this.#loss += loss;
      if (rank < 1) this.#top1++;
      if (rank < 5) this.#top5++;
    }
    return predictions;
  }

  /** counts[truth][prediction]. */
  rows(): number[][] {
    const { classes, confusion } = this;
    return Array.from({ length: classes }, (_, truth) =>
      Array.from(confusion.subarray(truth * classes, (truth + 1) * classes)),
    );
  }

  accuracy(): Accuracy {
    const images = this.#images;
    return {
      images,
      top1: this.#top1 / images,
      top5: this.#top5 / images,
      loss: this.#loss / images,
    };
  }
}

/** rank: how many classes come before the label. loss: -log softmax(row)[label], in float64. */
function score(row: Float32Array, label: number): { best: number; rank: number; loss: number } {
  let best = 0;
  let rank = 0;
  for (let c = 0; c < row.length; c++) {
    if (row[c] > row[best]) best = c;
    if (row[c] > row[label] || (row[c] === row[label] && c < label)) rank++;
  }
  let sum = 0;
  for (let c = 0; c < row.length; c++) sum += Math.exp(row[c] - row[best]);
  return { best, rank, loss: Math.log(sum) + row[best] - row[label] };
}
