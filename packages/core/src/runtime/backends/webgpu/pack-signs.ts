import type { MapShape } from "../../../program/geometry.js";
import type { ValueId } from "../../../program/types.js";
import { bitWords, type Compiling, type Dispatch, pixelsOf } from "./compiling.js";
import type { Numbers } from "./means.js";
import { at, Params } from "./params.js";
import { elements } from "./shader.js";

/**
 * Signs (1 above the threshold, else 0) into the bits of a slice that begins or ends within a word: of
 * each word that it touches the slice's bits are replaced.
 */
export function packSigns(
  { program, slots }: Compiling,
  signs: Numbers,
  shape: MapShape,
  id: ValueId,
  offset: number,
): Dispatch {
  const params = new Params();
  const channels = program.values[id].shape[2];
  const firstWord = Math.floor(offset / 32);
  const words = bitWords(offset + shape[2]) - firstWord;
  params.all({ signs: signs.first, signStride: signs.stride, offset, count: shape[2] });
  params.all({ words, firstWord, bits: at(slots[id]), bitStride: bitWords(channels) });
  const body = `
    let word = p.firstWord + i % p.words;
    let pixel = i / p.words;
    let place = base + p.bits + pixel * p.bitStride + word;
    var bits = arena[place];
    for (var k = 0u; k < 32u; k++) {
      let channel = word * 32u + k;
      let c = channel - p.offset;
      if (channel >= p.offset && c < p.count) {
        let above = number(p.signs + pixel * p.signStride + c) > 0.0;
        bits = (bits & ~(1u << k)) | select(0u, 1u << k, above);
      }
    }
    arena[place] = bits;`;
  return elements(params, pixelsOf(shape) * words, body);
}
