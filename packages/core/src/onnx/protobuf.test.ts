import { describe, expect, it } from "vitest";
import { ProtobufWriter } from "./protobuf.js";

const bytes = (writer: ProtobufWriter) => [...writer.finish()];

/** Expected bytes are those of the protobuf encoding guide, or follow from its rules by hand. */
describe("ProtobufWriter", () => {
  it("writes varints in groups of seven bits, lowest first", () => {
    expect(bytes(new ProtobufWriter().varint(1, 150))).toEqual([0x08, 0x96, 0x01]);
    expect(bytes(new ProtobufWriter().varint(1, 0))).toEqual([0x08, 0x00]);
    expect(bytes(new ProtobufWriter().varint(1, 127))).toEqual([0x08, 0x7f]);
    expect(bytes(new ProtobufWriter().varint(1, 128))).toEqual([0x08, 0x80, 0x01]);
    const large = [0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f];
    expect(bytes(new ProtobufWriter().varint(1, Number.MAX_SAFE_INTEGER))).toEqual(large);
  });

  it("writes negative numbers as ten bytes of two's complement", () => {
    const ones = Array<number>(8).fill(0xff);
    expect(bytes(new ProtobufWriter().varint(1, -1))).toEqual([0x08, ...ones, 0xff, 0x01]);
    expect(bytes(new ProtobufWriter().varint(1, -2))).toEqual([0x08, 0xfe, ...ones, 0x01]);
    const lowest = [...Array<number>(9).fill(0x80), 0x01];
    expect(bytes(new ProtobufWriter().varint(1, -(2n ** 63n)))).toEqual([0x08, ...lowest]);
  });

  it("writes fields above 15 with a two-byte tag", () => {
    expect(bytes(new ProtobufWriter().varint(20, 1))).toEqual([0xa0, 0x01, 0x01]);
  });

  it("writes strings in UTF-8 with their length in bytes", () => {
    const testing = [0x74, 0x65, 0x73, 0x74, 0x69, 0x6e, 0x67];
    expect(bytes(new ProtobufWriter().string(2, "testing"))).toEqual([0x12, 0x07, ...testing]);
    expect(bytes(new ProtobufWriter().string(2, "ß"))).toEqual([0x12, 0x02, 0xc3, 0x9f]);
    const long = bytes(new ProtobufWriter().string(2, "x".repeat(300)));
    expect(long.slice(0, 4)).toEqual([0x12, 0xac, 0x02, 0x78]);
    expect(long.length).toBe(303);
  });

  it("writes floats in little-endian order", () => {
    expect(bytes(new ProtobufWriter().float(2, 1))).toEqual([0x15, 0x00, 0x00, 0x80, 0x3f]);
    expect(bytes(new ProtobufWriter().float(2, -0.5))).toEqual([0x15, 0x00, 0x00, 0x00, 0xbf]);
  });

  it("nests messages", () => {
    const inner = new ProtobufWriter().varint(1, 150);
    const outer = new ProtobufWriter().message(3, inner).varint(1, 1);
    expect(bytes(outer)).toEqual([0x1a, 0x03, 0x08, 0x96, 0x01, 0x08, 0x01]);
    expect(outer.length).toBe(7);
  });
});
