import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { toGrey } from "./grey.js";

/** Every combination of 16 reds, greens and blues, blue fastest. */
function palette(): Uint8Array {
  const steps = Array.from({ length: 16 }, (_, k) => 17 * k);
  return Uint8Array.from(
    steps.flatMap((r) => steps.flatMap((g) => steps.flatMap((b) => [r, g, b]))),
  );
}

describe("toGrey", () => {
  it("gives what Pillow's convert(L) gives", () => {
    const data = Uint8Array.from([
      ...[255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255, 1, 2, 3, 200, 100, 50],
      ...[12, 200, 7, 0, 0, 4, 3, 0, 0, 255, 255, 0, 10, 10, 11, 128, 64, 32],
    ]);
    const { data: grey, ...rest } = toGrey({ data, width: 12, height: 1, channels: 3 });
    expect([...grey]).toEqual([76, 150, 29, 255, 2, 124, 122, 0, 1, 226, 10, 79]);
    expect(rest).toEqual({ width: 12, height: 1, channels: 1 });
    // Of 4096 colours at once: the bytes that Pillow 12.3 makes of them.
    const many = toGrey({ data: palette(), width: 64, height: 64, channels: 3 }).data;
    expect(createHash("sha256").update(many).digest("hex")).toBe(
      "5f0b0805a45b8e91c5cd79f7249031fddc2b17e796b76508adfe257e91c87e86",
    );
  });

  it("keeps the value of equal channels, and what is grey already", () => {
    const data = Uint8Array.from({ length: 768 }, (_, i) => Math.floor(i / 3));
    const { data: grey } = toGrey({ data, width: 256, height: 1, channels: 3 });
    expect([...grey]).toEqual(Array.from({ length: 256 }, (_, v) => v));
    const image = { data: grey, width: 256, height: 1, channels: 1 };
    expect(toGrey(image)).toBe(image);
  });
});
