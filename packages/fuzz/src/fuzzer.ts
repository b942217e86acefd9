/** What became of an input that was judged sound. */
export interface Outcome {
  /** "refused" and "ran" are both right; anything thrown is a failure. */
  readonly result: "refused" | "ran";
  /** Why it was refused, as the user is told. */
  readonly message?: string;
  /** What ran it. */
  readonly on?: readonly string[];
}

/** An input, and what judging it takes. */
export interface FuzzInput {
  /** What is kept where it fails. */
  readonly bytes: Uint8Array;
  /** What was done to make it, for people: "packed network 3: kernel 1 -> 4096". */
  readonly story: string;
  /** The kinds of edits, for the tally. */
  readonly edits: readonly string[];
  /** Rejects where the input does what no input may do. */
  judge(): Promise<Outcome>;
}

/** Makes inputs from numbers, and says whether onebit takes them as it should. */
export interface Fuzzer {
  readonly name: string;
  /** Of the files of failures. */
  readonly extension: string;
  /** The same input for the same numbers, on every machine. */
  input(seed: number, index: number): Promise<FuzzInput>;
}

/** Numbers of neighbouring inputs share nothing. */
export const seedOf = (seed: number, index: number) => seed * 1_000_003 + index;
