/**
 * Small presets for images of 28 to 64 pixels, grey or colour; sides that are multiples of 4. Stem
 * and second block halve the map; three further blocks see most of a 28 or 32 pixel image.
 */

/** Widths of bnext-nano; only stem, gates and classifier are real (111 kB packed with them in float16). */
export const bnextNanoWidths: readonly number[] = [32, 64, 128, 128, 128];

/** A gate costs 2 C^2 / reduction real weights beside 9 C^2 or C^2 1-bit ones: 8 or 16 would be too many. */
export const bnextNanoReduction = 32;

/** For trainings of minutes: see Switches.latentStd. */
export const nanoLatentStd = 0.05;

export const reactnetNanoWidths: readonly number[] = [32, 64, 128, 128, 128];
