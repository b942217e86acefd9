import { edgeNumber } from "../edge-values.js";
import { type BytesEdit, joined } from "./byte-edits.js";

const TYPES = [
  "<f4",
  ">f8",
  "<f2",
  "|u1",
  "<i8",
  "|O",
  "|S5",
  "<U3",
  "<c8",
  "<f16",
  "|b1",
  "<M8[ns]",
  "<f-4",
];
const HEAD = 10;

/** A number, the type or the order of the header's text, whose length is then right again. */
export const editNpy: BytesEdit = (bytes, random) => {
  const length = bytes[8] + 256 * bytes[9];
  const text = Buffer.from(bytes.subarray(HEAD, HEAD + length))
    .toString("latin1")
    .trimEnd();
  const changed = random.pick<() => string>([
    () => text.replace(/\d+(?=[,)])/, (digits) => String(edgeNumber(random, Number(digits)))),
    () => text.replace(/'descr': '[^']*'/, `'descr': '${random.pick(TYPES)}'`),
    () =>
      text.replace(/True|False/, (word) => random.pick(["True", "False", "None", word.repeat(2)])),
    () =>
      text.replace(/\([^)]*\)/, (shape) =>
        random.pick(["()", "(,)", "(0,)", `(${"1,".repeat(200)})`, shape + shape]),
      ),
    () => text.slice(0, random.int(0, text.length)),
    () => text.replaceAll("'", random.pick(['"', "", "'''"])),
  ])();
  const header = Buffer.from(`${changed}${" ".repeat(random.int(0, 64))}\n`, "latin1");
  const head = Buffer.from(bytes.subarray(0, HEAD));
  head.writeUInt16LE(header.length, 8);
  const rest = bytes.subarray(HEAD + length);
  return { bytes: joined([head, header, rest]), told: `header ${changed.slice(0, 80)}` };
};
