// What the test of pictures calls in the page: a network whose logits are the means of red, green and
// blue, so that what it saw of a picture is known.
import { load } from "/onebit/dist/index.js";

const file = new URL("/models/mean.onebit", location.href);
/** Pictures that the page has handed to a GPU. */
let handed = 0;
if (globalThis.GPUQueue) {
  const { copyExternalImageToTexture } = GPUQueue.prototype;
  GPUQueue.prototype.copyExternalImageToTexture = function (...args) {
    copyExternalImageToTexture.apply(this, args);
    handed++;
  };
}

const backend = new URLSearchParams(location.search).get("backend") ?? "auto";
const models = {
  page: await load(file, { backend }),
  worker: await load(file, { backend, worker: true }),
};
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

const blobOf = (canvas) => new Promise((resolve) => canvas.toBlob(resolve));

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
  "Blob of a PNG": () => blobOf(canvasOf(40, 20)),
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
  // Browsers draw nothing on canvases of this width, and say nothing.
  "too wide": () => image(svg('width="70000" height="2"')),
  "empty Blob": () => new Blob([]),
  Response: () => fetch("/models/mean.onebit"),
  Promise: () => [createImageBitmap(canvasOf(4, 4))],
  element: () => document.body,
  URL: () => "/picture.png",
};

async function meansOf(model, make) {
  const { logits } = await model.features(await make());
  return [...logits.data];
}

/** What the network saw of each kind of picture; where: "page" or "worker". */
export async function pictures(where) {
  const entries = Object.entries(makers);
  return Object.fromEntries(
    await Promise.all(
      entries.map(async ([name, make]) => [name, await meansOf(models[where], make)]),
    ),
  );
}

/** What classify() says of everything else. */
export async function refusals(where, foreign) {
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
      .then((picture) => models[where].classify(picture))
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
  return (await models.page.classify(document.querySelectorAll("img"))).length;
}

/** What is left of pictures that were given away to a worker. */
export async function givenAway() {
  const bitmap = await createImageBitmap(canvasOf(40, 20));
  const frame = new VideoFrame(canvasOf(40, 20), { timestamp: 0 });
  const pixels = canvasOf(40, 20).getContext("2d").getImageData(0, 0, 40, 20);
  if (models.worker.workerReason) throw new Error(models.worker.workerReason);
  await models.worker.classify([bitmap, frame, pixels]);
  const kept = [bitmap.width, frame.displayWidth, pixels.data.length];
  await models.worker.classify([bitmap, frame, pixels], { transfer: true });
  const given = [bitmap.width, frame.displayWidth, pixels.data.length];
  const twice = await createImageBitmap(canvasOf(40, 20));
  const both = await models.worker.classify([twice, twice], { transfer: true });
  const gone = await createImageBitmap(canvasOf(40, 20));
  const calls = [1, 2].map(() => models.worker.classify(gone, { transfer: true }));
  const [, { reason }] = await Promise.allSettled(calls);
  return { kept, given, twice: both.length, again: `${reason.name}: ${reason.message}` };
}

/** Pixels of a picture on the server as the network gets them, by each way into it. */
export async function pixels(address) {
  const blob = await (await fetch(address)).blob();
  const ways = {
    Blob: blob,
    ImageBitmap: await createImageBitmap(blob),
    "<img>": await image(address),
  };
  const model = await load(new URL(`${address}.onebit`, location.href));
  const entries = Object.entries(ways).map(async ([way, picture]) => {
    const { pixels } = await model.features(picture);
    return [way, [...pixels.data]];
  });
  return Object.fromEntries(await Promise.all(entries));
}

/** What a camera gives that shows red and then green. */
function cameraStream() {
  const canvas = canvasOf(40, 20, red);
  let frames = 0;
  const timer = setInterval(() => paint(canvas, frames++ < 10 ? red : green), 15);
  return { stream: canvas.captureStream(60), stop: () => clearInterval(timer) };
}

async function camera() {
  const { stream, stop } = cameraStream();
  const element = Object.assign(document.createElement("video"), { muted: true });
  element.srcObject = stream;
  await element.play();
  return { element, track: stream.getVideoTracks()[0], stop };
}

/** Of a video that gets its camera late, then another one, which is unplugged. */
export async function cameras() {
  const element = Object.assign(document.createElement("video"), { muted: true });
  const made = [cameraStream(), cameraStream()];
  const show = (n) => {
    element.srcObject = made[n].stream;
    return element.play();
  };
  const tracks = made.map(({ stream }) => stream.getVideoTracks()[0]);
  const seen = [0, 0];
  let shown = 0;
  setTimeout(() => show(0), 50);
  try {
    for await (const _ of models.worker.stream(element)) {
      seen[shown]++;
      if (seen[0] === 3 && shown === 0) {
        shown = 1;
        tracks[0].stop();
        await show(1);
      }
      if (seen[1] === 3) tracks[1].dispatchEvent(new Event("ended"));
    }
    return { seen, outcome: "ended" };
  } catch (error) {
    return { seen, outcome: `${error.name}: ${error.message}` };
  } finally {
    for (const { stop } of made) stop();
  }
}

/** What streams of a camera come to: "where" as of pictures(), "end" how they are ended. */
export async function streams(where, end) {
  const { element, track, stop } = await camera();
  const abort = new AbortController();
  const seen = [];
  const times = [];
  let outcome = "ended";
  // A first answer, for which shaders are compiled, would be made up for by the second.
  await models[where].classify(element);
  try {
    for await (const best of models[where].stream(element, { fps: 20, signal: abort.signal })) {
      seen.push(best);
      times.push(performance.now());
      if (seen.length < 6) continue;
      if (end === "break") break;
      if (end === "abort") abort.abort(new Error("that will do"));
      if (end === "stop") track.stop();
      if (end === "unplug") track.dispatchEvent(new Event("ended"));
    }
  } catch (error) {
    outcome = `${error.name}: ${error.message}`;
  }
  stop();
  const seconds = (times.at(-1) - times[0]) / 1000;
  return {
    frames: seen.length,
    perSecond: (times.length - 1) / seconds,
    outcome,
    last: seen.at(-1),
  };
}

/** Of a video that ends. */
export async function wholeVideo() {
  const element = await video();
  await element.play();
  let frames = 0;
  for await (const _ of models.worker.stream(element)) frames++;
  return { frames, ended: element.ended };
}

/** What stream() refuses. */
export async function streamRefusals() {
  const told = {};
  const wrong = {
    image: [new Image()],
    fps: [document.createElement("video"), { fps: 0 }],
    option: [document.createElement("video"), { rate: 3 }],
  };
  for (const [what, args] of Object.entries(wrong)) {
    told[what] = await models.page
      .stream(...args)
      .next()
      .then(
        () => "accepted",
        (error) => `${error.name}: ${error.message}`,
      );
  }
  return told;
}

const streaming = { streams, cameras, wholeVideo, streamRefusals };
globalThis.inputs = {
  handed: () => handed,
  pictures,
  refusals,
  nodeList,
  givenAway,
  pixels,
  ...streaming,
};
