import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { readClassList } from "./labels-file.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "onebit-labels-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function read(content: string | Buffer, name = "labels.txt") {
  await writeFile(join(folder, name), content);
  return readClassList(join(folder, name));
}

const text = "rot\r\ngr\u00fcn\r\n\r\n";
const names = ["rot", "gr\u00fcn"];
const swapped = (bytes: Buffer) => Buffer.from(bytes).swap16();

it.each<[string, string | Buffer]>([
  ["UTF-8", text],
  ["UTF-8 with a mark", `\ufeff${text}`],
  ["UTF-16, as PowerShell writes it", Buffer.from(`\ufeff${text}`, "utf16le")],
  ["UTF-16, the other way round", swapped(Buffer.from(`\ufeff${text}`, "utf16le"))],
  ["UTF-16 without a mark", Buffer.from(text, "utf16le")],
  ["old Mac line ends", "rot\rgr\u00fcn\r"],
  ["numbers from 0", "0 rot\n1 gr\u00fcn\n"],
  ["numbers from 1", "1: rot\n2: gr\u00fcn"],
  ["a printed dict of Python", "{0: 'rot',\n 1: \"gr\u00fcn\"}"],
  ["JSON in a .txt", '["rot", "gr\u00fcn"]'],
])("reads names in %s", async (_, content) => {
  expect(await read(content)).toEqual({ names });
});

it.each<[string, unknown, object]>([
  ["a list", names, { names }],
  ["names by number", { 1: "gr\u00fcn", 0: "rot" }, { names }],
  ["names by number from 1", { 2: "gr\u00fcn", 1: "rot" }, { names }],
  ["numbers by name", { gr\u00fcn: 1, rot: 0 }, { names }],
  [
    "imagenet_class_index",
    { 0: ["n1", "rot"], 1: ["n2", "gr\u00fcn"] },
    { ids: ["n1", "n2"], names },
  ],
  ["a model's config", { id2label: { 0: "rot", 1: "gr\u00fcn" }, other: 1 }, { names }],
])("reads JSON: %s", async (_, value, list) => {
  expect(await read(JSON.stringify(value), "labels.json")).toEqual(list);
  expect(await read(Buffer.from(`\ufeff${JSON.stringify(value)}`, "utf16le"), "l.json")).toEqual(
    list,
  );
});

it("leaves numbers that belong to the names", async () => {
  expect(await read("1 euro\n2 euro\n")).toEqual({ names: ["1 euro", "2 euro"] });
});

it("tells ids from names", async () => {
  const words = { ids: ["n01440764", "n01443537"], names: ["tench, Tinca tinca", "goldfish"] };
  expect(await read("n01440764 tench, Tinca tinca\nn01443537 goldfish\n")).toEqual(words);
  expect(await read("a\tant\nb\tbee fly\n")).toEqual({
    ids: ["a", "b"],
    names: ["ant", "bee fly"],
  });
});

it("keeps names that only look like something else", async () => {
  const odd = ["3 musketeers", "[UNK]", "{x", "n01440764", "7"];
  expect(await read(odd.join("\n"))).toEqual({ names: odd });
});

it.each<[string, string | Buffer, string, RegExp]>([
  ["nothing", "", "labels.txt", /names no classes/],
  ["an empty line", "a\n\nb\n", "labels.txt", /line 2 is empty/],
  ["another encoding", Buffer.from([0x67, 0x72, 0xfc, 0x6e]), "labels.txt", /no text in UTF-8/],
  ["a gap", '{"0": "a", "2": "b"}', "labels.json", /"2" is no number of one of its 2 classes/],
  ["two for one number", '{"a": 0, "b": 0}', "labels.json", /class 1 has no name/],
  ["numbers for names", '{"0": {}}', "labels.json", /a list of names, .* is wanted/],
  ["a pointer", "version https://git-lfs.github.com/spec/v1\n", "labels.txt", /a Git LFS pointer/],
  ["a page", "<!DOCTYPE html>\n<html>", "labels.txt", /a web page/],
  ["half a document", '["a"', "labels.json", /labels\.json: not JSON/],
])("refuses %s", async (_, content, name, message) => {
  await expect(read(content, name)).rejects.toThrow(message);
});
