import { OnebitError, UsageError } from "onebit";
import type { Graph, Tensor } from "onebit/graph";
import { reasonOf, shown } from "../own/own-module.js";

/** What was evaluated, and with which weights. */
export interface Evaluated {
  /** [images, classes], row-major. */
  readonly logits: Float32Array;
  /** Numbers of the network's classes, [images]. */
  readonly labels: Int32Array;
  /** Other outputs of the network that the metric asks for, [images, ...], row-major, by name. */
  readonly outputs: { readonly [name: string]: Float32Array };
  /** Names, in the order of the numbers. */
  readonly classes: readonly string[];
  /** A copy of the evaluated tensors by key, latent weights among them. */
  weights(): Promise<{ readonly [key: string]: Tensor }>;
}

/** A figure of one's own about an evaluation, besides top-1, top-5 and loss. */
export interface Metric {
  (evaluated: Evaluated): number | Promise<number>;
  /** Names of further outputs of the network that it looks at: `Object.assign(metric, { outputs: ["early"] })`. */
  readonly outputs?: readonly string[];
}

/** Metrics by name, as they are recorded. */
export interface Metrics {
  readonly [name: string]: Metric;
}

/** Outputs that metrics ask for. UsageError for one that the network does not have. */
export function askedOutputs(metrics: Metrics, { name: network, outputs }: Graph): string[] {
  const asked = new Set<string>();
  for (const [name, metric] of Object.entries(metrics)) {
    for (const output of metric.outputs ?? []) {
      if (!Object.hasOwn(outputs, output)) {
        const known = Object.keys(outputs).join(", ");
        throw new UsageError(
          `the metric "${name}" asks for an output "${output}" of ${network}; it has ${known}`,
        );
      }
      asked.add(output);
    }
  }
  asked.delete("logits");
  return [...asked];
}

/**
 * All metrics of an evaluation. OnebitError for one that fails or gives no finite number; when: which evaluation
 * it was, for the message, such as " after epoch 2".
 */
export async function measure(
  metrics: Metrics,
  evaluated: Evaluated,
  when = "",
): Promise<{ [name: string]: number }> {
  const values: { [name: string]: number } = {};
  for (const [name, metric] of Object.entries(metrics)) {
    const value = await Promise.resolve()
      .then(() => metric(copyOf(evaluated)))
      .catch((cause: unknown) => {
        throw new OnebitError(`the metric "${name}" failed${when}: ${reasonOf(cause)}`, { cause });
      });
    if (typeof value !== "number" || !Number.isFinite(value)) {
      throw new OnebitError(
        `the metric "${name}" gives ${shown(value)}${when}, a finite number is wanted`,
      );
    }
    values[name] = value;
  }
  return values;
}

/** What one metric does to its arrays, such as a softmax in place, the next does not see. */
function copyOf({ logits, labels, outputs, ...rest }: Evaluated): Evaluated {
  const copies = Object.entries(outputs).map(([name, data]) => [name, data.slice()]);
  return {
    ...{ ...rest, logits: logits.slice(), labels: labels.slice() },
    outputs: Object.fromEntries(copies),
  };
}

/** Keeps what metrics see of an evaluation, batch by batch. */
export class EvaluatedBatches {
  readonly #labels: Int32Array[] = [];
  readonly #values: { [output: string]: Float32Array[] } = {};

  add(labels: Int32Array, values: { readonly [output: string]: Float32Array }): void {
    this.#labels.push(labels.slice());
    for (const [output, data] of Object.entries(values)) {
      this.#values[output] ??= [];
      this.#values[output].push(data);
    }
  }

  all(): Pick<Evaluated, "logits" | "labels" | "outputs"> {
    const whole = Object.entries(this.#values).map(([output, parts]) => {
      return [output, joined(parts, (length) => new Float32Array(length))] as const;
    });
    const { logits, ...outputs } = Object.fromEntries(whole);
    return { logits, outputs, labels: joined(this.#labels, (length) => new Int32Array(length)) };
  }
}

function joined<T extends Float32Array | Int32Array>(
  parts: readonly T[],
  make: (length: number) => T,
): T {
  const whole = make(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
