import { writeFileSync } from "node:fs";
import sharp from "sharp";
import { it } from "vitest";
import { drawGlyph, GLYPH_BYTES } from "./glyph-scene.js";

it("sheet", async () => {
  const cols = 36,
    rows = 14,
    S = 32;
  const sheet = new Uint8Array(cols * rows * GLYPH_BYTES);
  const g = new Uint8Array(GLYPH_BYTES);
  for (let i = 0; i < cols * rows; i++) {
    drawGlyph(g, 0, "train", i);
    const cx = (i % cols) * S,
      cy = Math.floor(i / cols) * S;
    for (let y = 0; y < S; y++)
      sheet.set(g.subarray(y * S * 3, (y + 1) * S * 3), ((cy + y) * cols * S + cx) * 3);
  }
  await sharp(sheet, { raw: { width: cols * S, height: rows * S, channels: 3 } })
    .resize({ width: cols * S * 2, kernel: "nearest" })
    .extract({ left: 0, top: 0, width: cols * S, height: rows * S * 2 })
    .png()
    .toFile("/tmp/sheetA.png");
  await sharp(sheet, { raw: { width: cols * S, height: rows * S, channels: 3 } })
    .resize({ width: cols * S * 2, kernel: "nearest" })
    .extract({ left: cols * S, top: 0, width: cols * S, height: rows * S * 2 })
    .png()
    .toFile("/tmp/sheetB.png");
  const all = new Uint8Array(12000 * GLYPH_BYTES);
  const t = performance.now();
  for (let i = 0; i < 12000; i++)
    drawGlyph(all.subarray(i * GLYPH_BYTES, (i + 1) * GLYPH_BYTES), 0, "train", i);
  console.log("us per image", (performance.now() - t) / 12);
  const te = new Uint8Array(3000 * GLYPH_BYTES);
  for (let i = 0; i < 3000; i++)
    drawGlyph(te.subarray(i * GLYPH_BYTES, (i + 1) * GLYPH_BYTES), 0, "test", i);
  writeFileSync("/tmp/glyph_train.bin", all);
  writeFileSync("/tmp/glyph_test.bin", te);
}, 100000);
