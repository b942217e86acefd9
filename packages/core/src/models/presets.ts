/**
 * Small presets for images of 28 to 64 pixels, grey or colour; sides that are multiples of 4.
 * The stem keeps the resolution, two blocks halve it.
 */

/**
 * Widths of bnext-nano. At 28x28 grey and 10 classes: the 64- and 128-channel blocks hold most of
 * the arithmetic, and only the stem, the gates and the classifier are real.
 */
export const bnextNanoWidths: readonly number[] = [16, 32, 64, 64, 128, 128];

/** A gate costs 2 C^2 / reduction real weights beside 9 C^2 or C^2 1-bit ones: 8 would be too many. */
export const bnextNanoReduction = 16;

export const reactnetNanoWidths: readonly number[] = [16, 32, 64, 64, 128, 128];
