import { OnebitError } from "onebit";
import { NoDecoder } from "onebit/images";

/** A picture that cannot be used: not there, not decodable, or of the wrong kind. */
export interface BadPicture {
  /** In its split. */
  readonly index: number;
  /** Where it came from: a path, for image files. */
  readonly source: string;
  /** What is wrong with it. */
  readonly reason: string;
}

/** Throws on what is not about the picture. */
export function badPicture(source: string, error: unknown, index = 0): BadPicture {
  if (!(error instanceof OnebitError) || error instanceof NoDecoder) throw error;
  const { message } = error;
  const prefix = `${source}: `;
  const reason = message.startsWith(prefix) ? message.slice(prefix.length) : message;
  return { index, source, reason };
}

/** Of how many pictures more are only counted in a message. */
const NAMED = 100;

/** One line per picture; further lines of a message are indented. */
export function describeBad(pictures: readonly BadPicture[]): string[] {
  const lines = pictures.slice(0, NAMED).map(({ source, reason }) => `${source}: ${reason}`);
  return pictures.length > NAMED ? [...lines, `and ${pictures.length - NAMED} more`] : lines;
}

/** Met where all pictures are needed. */
export class BadPictures extends OnebitError {
  constructor(readonly pictures: readonly BadPicture[]) {
    super(describeBad(pictures).join("\n  "));
  }
}
