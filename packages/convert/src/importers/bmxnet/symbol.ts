import { OnebitError } from "onebit";
import { readRange } from "../../readers/async-buffer.js";
import { openBuffer } from "../../readers/open-buffer.js";

const maxBytes = 8 * 2 ** 20;

/**
 * The text of the `-symbol.json` of an MXNet `.params` file (path or address): `symbol`, or by
 * MXNet's naming beside it, `net-0040.params` and `net-symbol.json`.
 */
export async function symbolOf(params: string, symbol?: string): Promise<string> {
  const path = symbol ?? params.replace(/(-\d+)?(\.params)?$/, "-symbol.json");
  try {
    return await readText(path);
  } catch (error) {
    if (symbol !== undefined || !(error instanceof OnebitError)) throw error;
    throw new OnebitError(
      `${params}: holds parameters only, its network should stand beside it: ${error.message}. Name its -symbol.json`,
      { cause: error },
    );
  }
}

async function readText(path: string): Promise<string> {
  const buffer = await openBuffer(path);
  try {
    if (buffer.byteLength > maxBytes) {
      throw new OnebitError(`${path}: ${buffer.byteLength} bytes are too many for a symbol`);
    }
    return new TextDecoder().decode(await readRange(buffer, 0, buffer.byteLength, path));
  } finally {
    await buffer.close?.();
  }
}
