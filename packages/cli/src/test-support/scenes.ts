import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import sharp, { type Sharp } from "sharp";
import { randomStream } from "../../../core/src/test-support/draw.js";

/**
 * Scenes like photographs: one flower, house or fish of random colour, size and place, lit from one
 * side, before a ground with blurred clutter, with grain, as JPEG of various sizes. Colours say nothing
 * of the class.
 */
const THINGS: { readonly [name: string]: (random: () => number) => string } = {
  fish: (random) => {
    const fins = range(random, 18, 30);
    return `<ellipse rx="46" ry="${range(random, 18, 26)}"/><path d="M36 0L70 -${fins}L62 0L70 ${fins}z"/><circle cx="-28" cy="-5" r="4" fill="#111"/>`;
  },
  flower: (random) => {
    const petals = 5 + Math.floor(4 * random());
    const petal = (k: number) =>
      `<ellipse cx="27" rx="24" ry="${70 / petals}" transform="rotate(${(360 * k) / petals})"/>`;
    const heart = `<circle r="13" fill="${colour(random, 40)}"/>`;
    return Array.from({ length: petals }, (_, k) => petal(k)).join("") + heart;
  },
  house: (random) => {
    const roof = range(random, -62, -44);
    const windows = [-24, 10].map((x) => `<path d="M${x} -8h14v14h-14z" fill="#223"/>`).join("");
    return `<path d="M-40 -20h80v66h-80z"/><path d="M-50 -20L0 ${roof}L50 -20z" fill="${colour(random, 30)}"/>${windows}<path d="M-8 16h16v30h-16z" fill="#322"/>`;
  },
};

/** Names of the classes, in the order of a data set. */
export const SCENES = Object.keys(THINGS);

/** Writes DIR/CLASS/NAME.jpg for `count` scenes of each class. */
export async function writeScenes(folder: string, count: number, seed = 1): Promise<void> {
  for (const [k, name] of SCENES.entries()) {
    await mkdir(join(folder, name), { recursive: true });
    const random = randomStream(1000 * seed + k);
    for (let i = 0; i < count; i++) {
      await (await scene(name, random)).toFile(join(folder, name, `${name}-${i}.jpg`));
    }
  }
}

async function scene(name: string, random: () => number): Promise<Sharp> {
  const width = Math.round(range(random, 160, 480));
  const height = Math.round(width * range(random, 0.66, 1.4));
  const side = Math.min(width, height);
  const clutter = Array.from({ length: 9 }, () => {
    const at = `cx="${range(random, 0, width)}" cy="${range(random, 0, height)}"`;
    const radii = `rx="${range(random, 0.05, 0.35) * side}" ry="${range(random, 0.03, 0.25) * side}"`;
    return `<ellipse ${at} ${radii} fill="${colour(random, 55)}"/>`;
  });
  const scale = (range(random, 0.42, 0.75) * side) / 110;
  const place = `translate(${width * range(random, 0.38, 0.62)} ${height * range(random, 0.38, 0.62)}) rotate(${range(random, -20, 20)}) scale(${random() < 0.5 ? scale : -scale} ${scale})`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">
<defs>
<linearGradient id="sky" x2="0.3" y2="1"><stop stop-color="${colour(random, 75)}"/><stop offset="1" stop-color="${colour(random, 40)}"/></linearGradient>
<linearGradient id="light"><stop stop-color="#fff" stop-opacity="0.35"/><stop offset="1" stop-color="#000" stop-opacity="0.35"/></linearGradient>
<filter id="far"><feGaussianBlur stdDeviation="${side / 40}"/></filter>
</defs>
<rect width="${width}" height="${height}" fill="url(#sky)"/>
<g filter="url(#far)">${clutter.join("")}</g>
<g transform="${place}" fill="${colour(random, 55)}" stroke="#000" stroke-opacity="0.3">${THINGS[name](random)}</g>
<rect width="${width}" height="${height}" fill="url(#light)"/>
</svg>`;
  const { data, info } = await sharp(Buffer.from(svg))
    .flatten({ background: "#888" })
    .raw()
    .toBuffer({ resolveWithObject: true });
  const grain = 24 * random();
  const noisy = data.map((value) => Math.min(255, Math.max(0, value + grain * (random() - 0.5))));
  const { channels } = info;
  return sharp(noisy, { raw: { width, height, channels } }).jpeg({ quality: 82 });
}

const range = (random: () => number, low: number, high: number) => low + (high - low) * random();

/** Of any hue; `light` in percent. */
function colour(random: () => number, light: number): string {
  return `hsl(${Math.round(360 * random())} ${Math.round(range(random, 15, 75))}% ${Math.round(range(random, light - 15, light + 15))}%)`;
}
