import type { EpilogueCode } from "./epilogue.js";
import { range } from "./forms.js";

/**
 * Bits of outputs, one word for 32 channels. A thread collects those of its accumulators that lie in one word,
 * neighbours join theirs where they are in one subgroup, the workgroup gathers words in its memory, and
 * writes them when all are there.
 */
export interface Gathering {
  readonly epilogue: EpilogueCode;
  /** Of the workgroup: pixels, and channels, 32 at least. */
  readonly tile: { readonly pixels: number; readonly channels: number };
  /** Of the workgroup. */
  readonly threads: number;
  /** Threads side by side, a power of 2 up to 32, that have channels of one pixel: of the same words. */
  readonly neighbours: number;
  /** Threads that a subgroup has at least; 1 where shaders may not use subgroups. */
  readonly subgroup: number;
}

/** What epilogue() and the code below use. */
export function gatherDeclarations(gathering: Gathering): string {
  const { gathered } = gathering.epilogue;
  if (gathered.length === 0) return "";
  const { pixels, channels } = gathering.tile;
  const words = (pixels * channels) / 32;
  const variables = gathered.map(({ name }) => {
    return `var<private> ${name}: u32;\nvar<workgroup> ${name}Words: array<atomic<u32>, ${words}>;\n`;
  });
  const width = widthOf(gathering);
  const steps = gathered.map(({ name }) => (width > 1 ? together(name, width) : alone(name)));
  return `${variables.join("")}${width > 1 ? "var<private> regular: bool;\n" : ""}
fn gather(thread: u32, word: u32) {
${steps.join("\n")}
}
`;
}

/** Threads whose bits are joined before they go to the workgroup's memory. */
function widthOf({ neighbours, subgroup }: Gathering): number {
  return Math.min(neighbours, subgroup);
}

const alone = (name: string) => `  if (${name} != 0u) { atomicOr(&${name}Words[word], ${name}); }
  ${name} = 0u;`;

const together = (name: string, width: number) => `  var ${name}All = ${name};
${distances(width)
  .map((by) => `  ${name}All |= subgroupShuffleXor(${name}All, ${by}u);`)
  .join("\n")}
  ${name} = select(${name}, select(0u, ${name}All, thread % ${width}u == 0u), regular);
${alone(name)}`;

/** 1, 2, 4, ... : all threads of `width` are reached by going once over each. */
const distances = (width: number) => range(Math.log2(width)).map((i) => 2 ** i);

/**
 * How threads lie in subgroups is the adapter's affair: before anything is gathered they look whether those that they
 * will hear are their neighbours, and go alone where one of the subgroup finds another.
 */
export function beginGathering(gathering: Gathering): string {
  const width = widthOf(gathering);
  if (gathering.epilogue.gathered.length === 0 || width === 1) return "";
  const heard = distances(width).map(
    (by) => `(subgroupShuffleXor(thread, ${by}u) == (thread ^ ${by}u))`,
  );
  return `  regular = subgroupAll(${heard.join(" & ")});\n`;
}

/** After epilogue() of all bits of a word that the thread has, in uniform control flow. */
export function gatherWord({ epilogue }: Gathering, place: string): string {
  return epilogue.gathered.length === 0 ? "" : `gather(thread, ${place} >> 5u);`;
}

/**
 * Writes the words: `thread` is the thread's number, `pixel0` and `c0` the workgroup's first pixel and channel,
 * `channelEnd` where its channels end.
 */
export function writeGathered({ epilogue, tile, threads }: Gathering): string {
  const { gathered } = epilogue;
  if (gathered.length === 0) return "";
  const perPixel = tile.channels / 32;
  const writes = gathered.map(
    ({ name, place }) =>
      `      arena[base + ${place} + c / 32u] = atomicLoad(&${name}Words[word]);`,
  );
  return `
  workgroupBarrier();
  for (var word = thread; word < ${tile.pixels * perPixel}u; word += ${threads}u) {
    let pixel = pixel0 + word / ${perPixel}u;
    let c = c0 + word % ${perPixel}u * 32u;
    if (pixel < p.pixels && c < channelEnd) {
${writes.join("\n")}
    }
  }`;
}
