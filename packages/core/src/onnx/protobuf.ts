/** Minimal protobuf encoder: varints, length-delimited fields, packed floats (ONNX needs no more). */
export class ProtobufWriter {
  #chunks: Uint8Array[] = [];
  #length = 0;

  varint(field: number, value: number): this {
    return this.#tag(field, 0).#push(encodeVarint(value));
  }

  float(field: number, value: number): this {
    return this.#tag(field, 5).#push(new Uint8Array(new Float32Array([value]).buffer));
  }

  string(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value));
  }

  message(field: number, value: ProtobufWriter): this {
    return this.bytes(field, value.finish());
  }

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
function encodeVarint(value: number): Uint8Array {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest ? low | 0x80 : low);
  } while (rest);
  return Uint8Array.from(bytes);
}
