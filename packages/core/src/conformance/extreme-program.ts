import { type MapShape, reductionLength, windowCounts } from "../program/geometry.js";
import type { Random } from "./random.js";
import {
  divisors,
  generateProgram,
  type ProgramShapes,
  type RandomProgram,
  type Window,
} from "./random-program.js";

/** Products and elements of a step: what the reference may take its time for. */
const MAX_PRODUCTS = 120_000;
const MAX_ELEMENTS = 10_000;

/**
 * A network from a seed on shapes at the edge of what is allowed: one pixel, one row, maps thousands
 * of pixels wide, one channel, thousands of them, powers of two and their neighbours, a group for each
 * channel, kernels as large as the map, strides beyond the kernel, padding beyond the map.
 */
export function extremeProgram(seed: number): RandomProgram {
  return generateProgram(seed, (random) => new ExtremeShapes(random));
}

class ExtremeShapes implements ProgramShapes {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  input(): MapShape {
    const channels = this.channels();
    const most = Math.max(1, Math.min(3000, Math.floor(MAX_ELEMENTS / 4 / channels)));
    const [height, width] = this.#random.pick<() => readonly [number, number]>([
      () => [1, 1],
      () => [1, this.#upTo(most)],
      () => [this.#upTo(most), 1],
      () => [this.#random.int(1, 3), this.#upTo(Math.ceil(most / 3))],
      () => [this.#upTo(Math.min(most, 40)), this.#upTo(Math.ceil(most / 40))],
    ])();
    return [height, width, channels];
  }

  channels(): number {
    return this.#random.pick([
      () => 1,
      () => this.#random.int(2, 8),
      () => this.#aroundPower(1, 9),
      () => this.#aroundPower(1, 9),
      () => this.#aroundPower(10, 12),
    ])();
  }

  groups(channels: number): number {
    return this.#random.pick([1, channels, this.#random.pick(divisors(channels))]);
  }

  window(input: MapShape): Window {
    const [vertical, horizontal] = [this.#along(input[0]), this.#along(input[1])];
    return paired(vertical, horizontal);
  }

  pool(input: MapShape) {
    const { kernel, stride, padding } = this.window(input);
    const inside = [Math.min(padding[0], kernel[0] - 1), Math.min(padding[1], kernel[1] - 1)];
    const mode = this.#random.pick(["max", "average"] as const);
    return { mode, kernel, stride, padding: inside as [number, number] };
  }

  outPerGroup(groups: number, window: Window, input: MapShape): number {
    const { kernel } = window;
    const [height, width] = windowCounts(input, window);
    const pixels = height * width;
    const products = pixels * groups * reductionLength({ kernel, groups }, input[2]);
    const most = Math.min(MAX_PRODUCTS / products, MAX_ELEMENTS / pixels / groups);
    const wanted = this.#random.pick([1, this.#aroundPower(0, 6), this.#random.int(1, 40)]);
    return Math.max(1, Math.min(wanted, Math.floor(most)));
  }

  /** Kernel, stride and padding along one axis of so many pixels. */
  #along(size: number): readonly [kernel: number, stride: number, padding: number] {
    const kernel = this.#random.pick([
      1,
      Math.min(size, 32),
      Math.min(size, 3),
      Math.min(size + 1, 16),
      this.#random.int(1, Math.min(size, 12)),
    ]);
    const stride = this.#random.pick([
      1,
      1,
      2,
      kernel,
      kernel + 1,
      Math.min(size, 256),
      this.#random.int(1, 70),
    ]);
    const padding = this.#random.pick([
      0,
      0,
      kernel - 1,
      kernel >> 1,
      kernel,
      this.#random.int(0, 5),
    ]);
    return [kernel, stride, padding];
  }

  /** A power of two from 2^low to 2^high, or the number before or after. */
  #aroundPower(low: number, high: number): number {
    return Math.max(1, 2 ** this.#random.int(low, high) + this.#random.int(-1, 1));
  }

  #upTo(most: number): number {
    return this.#random.pick([most, this.#random.int(1, most)]);
  }
}

type Along = readonly [kernel: number, stride: number, padding: number];

const paired = (vertical: Along, horizontal: Along): Window => ({
  kernel: [vertical[0], horizontal[0]],
  stride: [vertical[1], horizontal[1]],
  padding: [vertical[2], horizontal[2]],
});
