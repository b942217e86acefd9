import { type Convolution, reductionOf } from "./convolution.js";
import type { AccumulatorRange } from "./distribution.js";

export interface KernelCount {
  convolutions: number;
  /** Convolutions with an accumulator at the upper end of its range: all signs equal. */
  allEqual: number;
  /** ... and at the lower end. */
  allOpposite: number;
}

/** What each kernel of a backend was tried on. */
export class KernelTally {
  readonly kernels: { [kernel: string]: KernelCount } = {};

  add(kernel: string, conv: Convolution, { smallest, largest }: AccumulatorRange): void {
    this.kernels[kernel] ??= { convolutions: 0, allEqual: 0, allOpposite: 0 };
    const count = this.kernels[kernel];
    count.convolutions++;
    if (largest === reductionOf(conv)) count.allEqual++;
    if (smallest === -reductionOf(conv)) count.allOpposite++;
  }
}
