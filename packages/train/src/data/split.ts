import type { DecodedImage } from "onebit/images";

/** Interleaved rows, 8 bits; of a folder some may be grey and others in colour. */
export type RawImage = DecodedImage;

/** The labelled images of one part of a data set. */
export interface Split {
  readonly length: number;
  label(i: number): number;
  image(i: number): Promise<RawImage> | RawImage;
  /** Where item i came from, for error messages. */
  source(i: number): string;
  /** The split as plain data that another thread can open; absent: it cannot leave this thread. */
  readonly portable?: PortableSplit;
}

/** Structured-cloneable; pixels are SharedArrayBuffer-backed, so threads share them. */
export type PortableSplit = MemorySplit | GlyphSplit | FileSplit | SubsetSplit;

/** All images of one size, one after another in `pixels`. */
export interface MemorySplit {
  kind: "memory";
  pixels: Uint8Array;
  labels: Int32Array;
  width: number;
  height: number;
  channels: 1 | 3;
  /** The file that item i came from starts at `starts`: first item of each file, ascending. */
  files: { name: string; first: number }[];
}

/** Generated on first use: `done[i]` is 1 once image i lies in `pixels`. */
export interface GlyphSplit {
  kind: "glyphs";
  part: "train" | "test";
  seed: number;
  pixels: Uint8Array;
  done: Uint8Array;
}

/** Image files, decoded on every use. */
export interface FileSplit {
  kind: "files";
  paths: string[];
  labels: Int32Array;
}

/** Some items of another split. */
export interface SubsetSplit {
  kind: "subset";
  of: PortableSplit;
  indices: Int32Array;
}

/** An Int32Array or Uint8Array that threads share instead of copying. */
export function sharedBytes(length: number): Uint8Array<SharedArrayBuffer> {
  return new Uint8Array(new SharedArrayBuffer(length));
}

export function sharedInts(values: ArrayLike<number>): Int32Array<SharedArrayBuffer> {
  const out = new Int32Array(new SharedArrayBuffer(values.length * 4));
  out.set(values);
  return out;
}
