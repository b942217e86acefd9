/** An opaque picture from a formula: 8-bit RGBA, the same in Node and in the page. */
export function picture({ width, height }) {
  const data = new Uint8ClampedArray(width * height * 4);
  for (let i = 0; i < width * height; i++) {
    const [x, y] = [i % width, Math.floor(i / width)];
    data.set([(x * 7 + y * 3) % 256, (x * y) % 256, (x * 5 + y * 11) % 256, 255], 4 * i);
  }
  return { data, width, height };
}
