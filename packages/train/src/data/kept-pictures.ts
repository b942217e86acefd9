import type { Preprocess } from "onebit/image";
import type { AugmentOptions } from "./augment/index.js";
import type { RawImage } from "./split.js";

/** Of a split and a thread: 256 MiB are 9,700 pictures of 96x96, or 2,500 before a random crop. */
const ROOM = 2 ** 28;

export interface Use {
  readonly preprocess: Preprocess;
  readonly augment?: AugmentOptions;
}

/** Decoding a photograph takes longer than a training step: small ones are kept, while there is room. */
export class KeptPictures {
  readonly #pictures = new Map<number, RawImage>();
  #bytes = 0;
  /** What they were prepared for. */
  #use = "";

  /** prepared: the picture, decoded and made ready for this use. */
  async get(i: number, use: Use, prepared: () => Promise<RawImage>): Promise<RawImage> {
    this.#forgetOthers(use);
    const known = this.#pictures.get(i);
    if (known) return known;
    const picture = await prepared();
    if (this.#bytes + picture.data.length <= ROOM) {
      this.#pictures.set(i, picture);
      this.#bytes += picture.data.length;
    }
    return picture;
  }

  #forgetOthers(use: Use): void {
    const text = JSON.stringify(use);
    if (text === this.#use) return;
    this.#use = text;
    this.#pictures.clear();
    this.#bytes = 0;
  }
}
