import { expect, it } from "vitest";
import { UsageError } from "../errors.js";
import { resolveAddress } from "./addresses.js";

it.each([
  ["hf:owner/name/net.onebit", "https://huggingface.co/owner/name/resolve/main/net.onebit"],
  ["hf:o/n/a/b/net.onebit@v1.0", "https://huggingface.co/o/n/resolve/v1.0/a/b/net.onebit"],
  ["hf:o/n/f@refs/pr/2", "https://huggingface.co/o/n/resolve/refs%2Fpr%2F2/f"],
  ["hf:o/n/a b#1?.onebit", "https://huggingface.co/o/n/resolve/main/a%20b%231%3F.onebit"],
  ["https://huggingface.co/o/n/resolve/main/f", "https://huggingface.co/o/n/resolve/main/f"],
  ["models/hf:net.onebit", "models/hf:net.onebit"],
])("%s is %s", (address, url) => {
  expect(resolveAddress(address)).toBe(url);
});

it("an empty one is refused", () => {
  expect(() => resolveAddress("")).toThrow(UsageError);
  expect(() => resolveAddress("")).toThrow(/address of the model is empty/);
});

it.each([
  "hf:",
  "hf:owner",
  "hf:owner/name",
  "hf:owner/name/",
  "hf:/name/file",
  "hf:o/n/f@",
  "hf:o/n/f@a@b",
  "hf:o/n/../f",
  "hf:o/../f/g",
  "hf:o/n//f",
])("%s is refused", (address) => {
  expect(() => resolveAddress(address)).toThrow(UsageError);
  expect(() => resolveAddress(address)).toThrow(`${address}: write hf:OWNER/NAME/FILE`);
});
