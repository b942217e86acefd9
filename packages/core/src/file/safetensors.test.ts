import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { float32Values, readSafetensors, storedFloat32, writeSafetensors } from "./safetensors.js";

/** A file from a literal header, written without our own writer. */
function file(header: string, data: number): Uint8Array {
  const json = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + json.length + data);
  new DataView(bytes.buffer).setUint32(0, json.length, true);
  bytes.set(json, 8);
  return bytes;
}

describe("safetensors", () => {
  it("gives back what was written, aligned", () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.array(fc.float({ noNaN: true }), { maxLength: 9 })),
        fc.dictionary(fc.string(), fc.string()),
        fc.constantFrom(1, 8, 64),
        (values, metadata, align) => {
          delete values.__metadata__;
          const tensors = Object.fromEntries(
            Object.entries(values).map(([key, list]) => [key, storedFloat32([list.length], list)]),
          );
          const bytes = writeSafetensors({ metadata, tensors }, align);
          const read = readSafetensors(bytes);
          expect(read.metadata).toEqual(metadata);
          for (const [key, list] of Object.entries(values)) {
            expect([...float32Values(key, read.tensors[key])]).toEqual(list.map(Math.fround));
          }
          const data = Object.values(tensors).reduce((sum, t) => sum + t.data.length, 0);
          expect((bytes.length - data) % align).toBe(0);
        },
      ),
    );
  });

  it("reads a file written by hand", () => {
    const bytes = file('{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}', 2);
    bytes.set([7, 9], bytes.length - 2);
    expect([...readSafetensors(bytes).tensors.a.data]).toEqual([7, 9]);
  });

  it("finds repeated keys behind any quotes and backslashes, and no others", () => {
    const text = fc.array(fc.constantFrom('"', "\\", "a", "{", "[", ":"), { maxLength: 6 });
    const key = text.map((characters) => characters.join(""));
    const entry = (name: string, at: number) =>
      `${JSON.stringify(name)}:{"dtype":"U8","shape":[1],"data_offsets":[${at},${at + 1}]}`;
    fc.assert(
      fc.property(fc.array(key, { minLength: 1, maxLength: 5 }), (keys) => {
        const read = () => readSafetensors(file(`{${keys.map(entry).join()}}`, keys.length));
        if (new Set(keys).size < keys.length) expect(read).toThrow(/appears twice/);
        else expect(Object.keys(read().tensors).sort()).toEqual([...keys].sort());
      }),
    );
  });

  const tensor = (fields: string) =>
    `{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]${fields}}}`;
  it.each([
    ["no header", new Uint8Array(3), /shorter than 8 bytes/],
    ["an absurd header length", new Uint8Array(20).fill(255), /header of .* bytes in a file of 20/],
    ["text that is not JSON", file("{a}", 0), /not JSON/],
    ["a list", file("[1]", 0), /JSON object/],
    ["an unknown type", file(tensor("").replace("U8", "Q4"), 2), /type "Q4" is unknown/],
    [
      "a wrong size",
      file(tensor("").replace("[2]", "[3]"), 2),
      /takes 3 bytes, the offsets give 2/,
    ],
    ["a negative size", file(tensor("").replace("[2]", "[-2]"), 2), /whole numbers/],
    ["too much data", file(tensor(""), 3), /has \d+ bytes of data, its tensors take \d+: damaged/],
    ["too little data", file(tensor(""), 1), /1 of 2 bytes of data are missing/],
    [
      "a repeated tensor",
      file(tensor("").replace("}}", '},"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}'), 2),
      /"a" appears twice/,
    ],
    ["a repeated field", file(tensor(',"shape":[2]'), 2), /"shape" appears twice/],
    [
      "two spellings of a tensor",
      file(`${tensor("").slice(0, -1)},"\\u0061":{}}`, 2),
      /"a" appears twice/,
    ],
    ["absurd nesting", file(`{"a":${"[".repeat(4e6)}`, 0), /nested too deeply/],
    ["a key of backslashes", file(`{"${"\\".repeat(7e6)}":1}`, 0), /must be an object/],
    ["a key of backslashes without end", file(`{"${"\\".repeat(7e6 + 1)}":1}`, 0), /not JSON/],
    ["a key of megabytes", file(`{"${"k".repeat(7e6)}":1}`, 0), /must be an object/],
    [
      "an overlap",
      file(tensor("").replace("}}", '},"b":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}'), 2),
      /overlaps/,
    ],
    ["a gap", file(tensor("").replace("[0,2]", "[1,3]"), 3), /gap/],
    ["metadata that is no text", file('{"__metadata__":{"a":1}}', 0), /names to strings/],
  ])("refuses %s", (_, bytes, message) => {
    expect(() => readSafetensors(bytes)).toThrow(message);
  });
});
