/** Test only: what a field of a flatbuffer's table can be; undefined is absent. */
export type FlatField =
  | { readonly i8: number }
  | { readonly i32: number }
  | { readonly f32: number }
  | { readonly text: string }
  | { readonly bytes: Uint8Array }
  | { readonly ints: readonly number[] }
  | { readonly floats: readonly number[] }
  | { readonly longs: readonly number[] }
  | { readonly table: readonly (FlatField | undefined)[] }
  | { readonly tables: readonly (readonly (FlatField | undefined)[])[] }
  | undefined;

/** Test only: a flatbuffer whose root is a table of these fields, with TensorFlow Lite's identifier. */
export function flatbuffer(root: readonly FlatField[]): Uint8Array<ArrayBuffer> {
  const writer = new FlatWriter();
  writer.u32(0);
  writer.raw(new TextEncoder().encode("TFL3"));
  writer.patch(0, writer.table(root));
  return writer.finish();
}

/** Parents before children: every offset leads forwards, as flatbuffers want. */
class FlatWriter {
  readonly #bytes: number[] = [];

  finish(): Uint8Array<ArrayBuffer> {
    this.#align(8);
    return Uint8Array.from(this.#bytes);
  }

  u32(value: number): number {
    const at = this.#bytes.length;
    for (let i = 0; i < 4; i++) this.#bytes.push((value >>> (8 * i)) & 255);
    return at;
  }

  raw(bytes: ArrayLike<number>): void {
    for (let i = 0; i < bytes.length; i++) this.#bytes.push(bytes[i]);
  }

  patch(at: number, target: number): void {
    const offset = target - at;
    for (let i = 0; i < 4; i++) this.#bytes[at + i] = (offset >>> (8 * i)) & 255;
  }

  /** Every field takes four bytes. */
  table(fields: readonly FlatField[]): number {
    this.#align(4);
    const vtable = this.#bytes.length;
    const size = 4 + 4 * fields.length;
    for (const half of [4 + 2 * fields.length, size]) this.raw([half & 255, half >> 8]);
    fields.forEach((field, i) => {
      const at = field ? 4 + 4 * i : 0;
      this.raw([at & 255, at >> 8]);
    });
    this.#align(4);
    const start = this.u32(this.#bytes.length - vtable);
    const waiting: (() => void)[] = [];
    for (const field of fields) {
      const at = this.u32(field ? inline(field) : 0);
      if (field && !("i8" in field || "i32" in field || "f32" in field)) {
        waiting.push(() => this.patch(at, this.#child(field)));
      }
    }
    for (const write of waiting) write();
    return start;
  }

  #child(field: NonNullable<FlatField>): number {
    if ("table" in field) return this.table(field.table);
    if ("tables" in field) {
      const at = this.#vector(field.tables.length);
      const places = field.tables.map(() => this.u32(0));
      field.tables.forEach((fields, i) => {
        this.patch(places[i], this.table(fields));
      });
      return at;
    }
    if ("text" in field) return this.#numbers(new TextEncoder().encode(field.text), 1);
    if ("bytes" in field) return this.#numbers(field.bytes, 1);
    if ("ints" in field) return this.#numbers(Int32Array.from(field.ints), 4);
    if ("floats" in field) return this.#numbers(Float32Array.from(field.floats), 4);
    if ("longs" in field) return this.#numbers(BigInt64Array.from(field.longs, BigInt), 8);
    throw new Error("no child");
  }

  #numbers(data: ArrayBufferView, size: number): number {
    const at = this.#vector(data.byteLength / size);
    this.raw(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    return at;
  }

  #vector(length: number): number {
    this.#align(4);
    return this.u32(length);
  }

  #align(to: number): void {
    while (this.#bytes.length % to) this.#bytes.push(0);
  }
}

function inline(field: NonNullable<FlatField>): number {
  if ("i8" in field) return field.i8 & 255;
  if ("i32" in field) return field.i32;
  if ("f32" in field) return new Uint32Array(Float32Array.of(field.f32).buffer)[0];
  return 0;
}

/** Test only: a FlexBuffer whose root is a map of names to whole numbers, all four bytes wide. */
export function flexMap(entries: { readonly [name: string]: number }): Uint8Array {
  const bytes: number[] = [];
  const u32 = (value: number) => {
    for (let i = 0; i < 4; i++) bytes.push((value >>> (8 * i)) & 255);
  };
  const names = Object.keys(entries).sort();
  const starts = names.map((name) => {
    const at = bytes.length;
    bytes.push(...new TextEncoder().encode(name), 0);
    return at;
  });
  while (bytes.length % 4) bytes.push(0);
  u32(names.length);
  const keys = bytes.length;
  for (const start of starts) u32(bytes.length - start);
  u32(bytes.length - keys);
  u32(4);
  u32(names.length);
  const values = bytes.length;
  for (const name of names) u32(entries[name]);
  for (const _ of names) bytes.push((1 << 2) | 2);
  while (bytes.length % 4) bytes.push(0);
  u32(bytes.length - values);
  bytes.push((9 << 2) | 2, 4);
  return Uint8Array.from(bytes);
}
