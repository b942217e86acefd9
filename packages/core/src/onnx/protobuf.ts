/** Minimal protobuf encoder: varints, floats and length-delimited fields are all that ONNX and TensorBoard need. */
export class ProtobufWriter {
  readonly #chunks: Uint8Array[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  varint(field: number, value: number | bigint): this {
    return this.#tag(field, 0).#push(encodeVarint(value));
  }

  float(field: number, value: number): this {
    return this.#tag(field, 5).#push(new Uint8Array(new Float32Array([value]).buffer));
  }

  double(field: number, value: number): this {
    return this.#tag(field, 1).#push(new Uint8Array(new Float64Array([value]).buffer));
  }

  string(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value));
  }

  /** A nested message; its chunks are taken over, so weights are copied once, by finish(). */
  message(field: number, value: ProtobufWriter): this {
    this.#tag(field, 2).#push(encodeVarint(value.#length));
    for (const chunk of value.#chunks) this.#push(chunk);
    return this;
  }

  /** `value` is not copied before finish(). */
  bytes(field: number, value: Uint8Array): this {
    return this.#tag(field, 2).#push(encodeVarint(value.length)).#push(value);
  }

  finish(): Uint8Array {
    const out = new Uint8Array(this.#length);
    let at = 0;
    for (const chunk of this.#chunks) {
      out.set(chunk, at);
      at += chunk.length;
    }
    return out;
  }

  #tag(field: number, wireType: number): this {
    return this.#push(encodeVarint(field * 8 + wireType));
  }

  #push(chunk: Uint8Array): this {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    return this;
  }
}

/** Two's complement over 64 bits for negative numbers, as protobuf's int64 wants. */
function encodeVarint(value: number | bigint): Uint8Array {
  if (value >= 0 && value < 128) return Uint8Array.of(Number(value));
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest ? low | 0x80 : low);
  } while (rest);
  return Uint8Array.from(bytes);
}
