import { OnebitError } from "../errors.js";

/** No picture can be decoded here: not the fault of any of them. */
export class NoDecoder extends OnebitError {}

/**
 * The package sharp, which decodes and encodes pictures: an optional one, with a library for each
 * platform, that is loaded where the first picture is met. `load` imports it; NoDecoder where it fails.
 */
export async function loadDecoder<Sharp>(load: () => Promise<Sharp>): Promise<Sharp> {
  try {
    return await load();
  } catch (error) {
    const [reason] = (error as Error).message.split("\n");
    throw new NoDecoder(
      `pictures need the package sharp, which does not load here (${reason}). Install it with its library for ${process.platform}-${process.arch}:\n  npm install --include=optional sharp`,
    );
  }
}
