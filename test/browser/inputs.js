// What the test of pictures calls in the page: a network whose logits are the means of red, green and
// blue, so that what it saw of a picture is known.
import { load } from "/onebit/dist/index.js";

const model = await load(new URL("/models/mean.onebit", location.href));
const [red, green, blue, clear] = ["rgb(255 0 0)", "rgb(0 255 0)", "rgb(0 0 255)", "transparent"];

/** Left half red, right half of another colour. */
function paint(canvas, other) {
  const context = canvas.getContext("2d");
  const half = canvas.width / 2;
  context.fillStyle = red;
  context.fillRect(0, 0, half, canvas.height);
  context.fillStyle = other;
  context.fillRect(half, 0, half, canvas.height);
  return canvas;
}

function canvasOf(width, height, other = green) {
  return paint(Object.assign(document.createElement("canvas"), { width, height }), other);
}

async function image(src, attributes = {}) {
  const element = Object.assign(new Image(), attributes, { src });
  await element.decode();
  return element;
}

const svg = (attributes) =>
  `data:image/svg+xml,${encodeURIComponent(`<svg xmlns="http://www.w3.org/2000/svg" ${attributes}><rect width="50%" height="100%" fill="${red}"/><rect x="50%" width="50%" height="100%" fill="${green}"/></svg>`)}`;

/** Not one whose data has loaded, but one that has a frame to draw: on a busy machine that is later. */
async function video() {
  const canvas = Object.assign(document.createElement("canvas"), { width: 40, height: 20 });
  canvas.getContext("2d", { alpha: false });
  paint(canvas, green);
  const recorder = new MediaRecorder(canvas.captureStream(30), { mimeType: "video/webm" });
  const chunks = [];
  recorder.ondataavailable = ({ data }) => chunks.push(data);
  recorder.start();
  for (let i = 0; i < 20; i++) {
    paint(canvas, green);
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  recorder.stop();
  await new Promise((resolve) => {
    recorder.onstop = resolve;
  });
  const element = Object.assign(document.createElement("video"), { muted: true });
  const loaded = new Promise((resolve, reject) => {
    element.onloadeddata = resolve;
    element.onerror = () => reject(new Error("the video cannot be played"));
  });
  const shown = new Promise((resolve) => element.requestVideoFrameCallback(resolve));
  element.src = URL.createObjectURL(new Blob(chunks, { type: "video/webm" }));
  await Promise.all([loaded, shown]);
  return element;
}

const makers = {
  canvas: () => canvasOf(40, 20),
  "canvas shown small": () => Object.assign(canvasOf(40, 20), { style: "width: 4px" }),
  OffscreenCanvas: () => paint(new OffscreenCanvas(40, 20), green),
  ImageBitmap: () => createImageBitmap(canvasOf(40, 20)),
  "<img>": () => image(canvasOf(40, 20).toDataURL()),
  // At the size that the page shows it at, one column would be left of it: only red.
  "<img width=1>": () => image(canvasOf(40, 20).toDataURL(), { width: 1, height: 20 }),
  "<img> of SVG": () => image(svg('width="40" height="20"')),
  "<img> of SVG with a viewBox alone": () => image(svg('viewBox="0 0 40 20"')),
  VideoFrame: () => new VideoFrame(canvasOf(40, 20), { timestamp: 0 }),
  "<video>": () => video(),
  ImageData: () => canvasOf(40, 20).getContext("2d").getImageData(0, 0, 40, 20),
  "half transparent canvas": () => canvasOf(40, 20, clear),
};

const wrong = {
  "not loaded": () => Object.assign(new Image(), { src: "/models/mean.onebit?late" }),
  "no source": () => new Image(),
  broken: async () => {
    const element = Object.assign(new Image(), { src: "/models/mean.onebit" });
    await element.decode().catch(() => {});
    return element;
  },
  "empty canvas": () => canvasOf(0, 20),
  "closed bitmap": async () => {
    const bitmap = await createImageBitmap(canvasOf(4, 4));
    bitmap.close();
    return bitmap;
  },
  "closed frame": () => {
    const frame = new VideoFrame(canvasOf(4, 4), { timestamp: 0 });
    frame.close();
    return frame;
  },
  "video without frames": () => document.createElement("video"),
  // Chromium, on a busy machine: loadeddata comes before drawImage draws.
  "video that is not drawn yet": () =>
    Object.defineProperties(document.createElement("video"), {
      readyState: { value: 2 },
      videoWidth: { value: 4 },
      videoHeight: { value: 4 },
    }),
  Blob: () => new Blob([]),
  Response: () => fetch("/models/mean.onebit"),
  Promise: () => [createImageBitmap(canvasOf(4, 4))],
  element: () => document.body,
  URL: () => "/picture.png",
};

async function meansOf(make) {
  const { logits } = await model.features(await make());
  return [...logits.data];
}

/** What the network saw of each kind of picture. */
export async function pictures() {
  const entries = Object.entries(makers);
  return Object.fromEntries(
    await Promise.all(entries.map(async ([name, make]) => [name, await meansOf(make)])),
  );
}

/** What classify() says of everything else. */
export async function refusals(foreign) {
  const tainted = async () => {
    const element = await image(foreign);
    const canvas = canvasOf(20, 20, blue);
    canvas.getContext("2d").drawImage(element, 0, 0);
    return canvas;
  };
  const all = { ...wrong, "tainted canvas": tainted, "foreign image": () => image(foreign) };
  const told = {};
  for (const [name, make] of Object.entries(all)) {
    told[name] = await Promise.resolve(make())
      .then((picture) => model.classify(picture))
      .then(
        () => "accepted",
        (error) => `${error.name}: ${error.message}`,
      );
  }
  return told;
}

/** A NodeList of <img>, as querySelectorAll gives it. */
export async function nodeList() {
  for (let i = 0; i < 2; i++) document.body.append(await makers["<img>"]());
  return (await model.classify(document.querySelectorAll("img"))).length;
}

globalThis.inputs = { pictures, refusals, nodeList };
