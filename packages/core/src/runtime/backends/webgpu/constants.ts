type Words = Float32Array | Uint32Array | Int32Array;

/** Weights and tables, one after another in a buffer that shaders read: `quads` and `floats`. */
export class Constants {
  readonly #pieces: { readonly at: number; readonly data: Words }[] = [];
  readonly #known = new Map<string, number>();
  words = 0;

  /** First word of what `make` gives, a multiple of four; what has a key is there once. */
  add(make: () => Words, key?: string): number {
    const known = key === undefined ? undefined : this.#known.get(key);
    if (known !== undefined) return known;
    const data = make();
    const at = this.words;
    this.#pieces.push({ at, data });
    this.words += Math.ceil(data.length / 4) * 4;
    if (key !== undefined) this.#known.set(key, at);
    return at;
  }

  writeTo(buffer: ArrayBuffer): void {
    const words = new Uint32Array(buffer);
    for (const { at, data } of this.#pieces) {
      words.set(new Uint32Array(data.buffer, data.byteOffset, data.length), at);
    }
  }
}
