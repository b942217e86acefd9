/**
 * The model with further values as outputs. In protobuf a message that is written twice is merged:
 * a second graph (field 7 of ModelProto) that holds nothing but outputs (field 12 of GraphProto,
 * each with a name, field 1) adds them to the first. Types are left to whoever runs it.
 */
export function withOutputs(model: Uint8Array, names: readonly string[]): Uint8Array {
  if (names.length === 0) return model;
  const outputs = names.map((name) => field(12, field(1, new TextEncoder().encode(name))));
  const graph = field(7, joined(outputs));
  return joined([model, graph]);
}

function field(number: number, content: Uint8Array): Uint8Array {
  return joined([Uint8Array.of(number * 8 + 2, ...varint(content.length)), content]);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) + 0x80);
    rest = Math.floor(rest / 0x80);
  }
  return [...bytes, rest];
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
