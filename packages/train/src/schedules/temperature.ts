import { UsageError } from "onebit";
import { counted, unknownName } from "onebit/words";
import { isModule } from "../own/own-module.js";
import type { Position } from "./learning-rate.js";

/** When weights become binary (BNext). */
export interface TemperatureConfig {
  /**
   * Or the path of a module whose default export is a Schedule. fraction: falls exponentially, step by step, and weights are binary from `binaryAt` of the
   * training on. paper: `decay` per epoch, whatever the length of the training (BNext).
   */
  readonly kind: string;
  /** Fraction of the training, 0 to below 1; 0: binary from the first step. */
  readonly binaryAt: number;
  readonly decay: number;
}

/**
 * Temperature T of BNext's weights, which are clamp(w / T, -1, 1) and sign(w) once T < threshold.
 *
 *   fraction   threshold^(step / s), s = ceil(binaryAt · steps); from step s on threshold / 10
 *   paper      decay^epoch, epochs counted from 0
 *
 * Source: BNext (arXiv 2211.12933), whose code has decay 0.9: binary from epoch 153 of 512 on.
 */
export function temperature(
  config: TemperatureConfig,
  threshold: number,
  { step, stepsPerEpoch, epochs }: Position,
): number {
  if (config.kind === "paper") return config.decay ** Math.floor(step / stepsPerEpoch);
  const binaryStep = Math.ceil(config.binaryAt * epochs * stepsPerEpoch);
  return step >= binaryStep ? threshold / 10 : threshold ** (step / binaryStep);
}

/** Refuses a schedule whose last step would still train weights that are not binary. */
export function checkEndsBinary(
  config: TemperatureConfig,
  threshold: number,
  stepsPerEpoch: number,
  epochs: number,
): void {
  const { kind } = config;
  if (isModule(kind)) return;
  if (kind === "fraction") checkFraction(config, stepsPerEpoch * epochs);
  else if (kind === "paper") checkPaper(config, threshold, stepsPerEpoch, epochs);
  else {
    const kinds = ["fraction", "paper"];
    throw new UsageError(`temperature.kind: ${unknownName("temperature", kind, kinds)}`);
  }
}

function checkPaper(
  config: TemperatureConfig,
  threshold: number,
  stepsPerEpoch: number,
  epochs: number,
): void {
  const { decay } = config;
  if (!(decay > 0 && decay < 1)) {
    throw new UsageError(`temperature decay ${decay}: must lie between 0 and 1`);
  }
  const step = epochs * stepsPerEpoch - 1;
  const last = temperature(config, threshold, { step, stepsPerEpoch, epochs });
  if (last < threshold) return;
  const first = Math.floor(Math.log(threshold) / Math.log(decay)) + 1;
  throw new UsageError(
    `the weights would not end binary: the temperature is ${decay}^${epochs - 1} = ${last.toExponential(2)} in the last of ${counted(epochs, "epoch")} and must be below ${threshold}. Train at least ${first + 1} epochs (${decay}^${first} = ${(decay ** first).toExponential(2)}), lower temperature.decay, or use temperature.kind "fraction"`,
  );
}

function checkFraction({ binaryAt }: TemperatureConfig, steps: number): void {
  if (!(binaryAt >= 0 && binaryAt <= 1)) {
    throw new UsageError(
      `temperature.binaryAt ${binaryAt}: a fraction from 0 to below 1 is wanted`,
    );
  }
  const binaryStep = Math.ceil(binaryAt * steps);
  if (binaryStep < steps) return;
  throw new UsageError(
    `the weights would not end binary: temperature.binaryAt ${binaryAt} of ${counted(steps, "step")} is step ${binaryStep}, and the last step is ${steps - 1}. Lower temperature.binaryAt (0.3 is usual) or train longer`,
  );
}
