import { NoDecoder } from "onebit/images";
import { expect, it } from "vitest";
import { badPicture } from "./bad-picture.js";

it("blames no picture where nothing can decode", () => {
  const error = new NoDecoder("sharp is missing");
  expect(() => badPicture("photo.jpg", error)).toThrow(error);
});
