// npx vite examples
import { load } from "onebit";
import { droppedPictures, picturesIn } from "./folder.js";

const $ = (selector) => document.querySelector(selector);
const [video, form, status, link] = ["video", "form", "[role=status]", "a"].map($);
const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
const base = new URL("../../models/cifar10.onebit", import.meta.url);
const percent = (part) => `${(100 * part).toFixed(0)} %`;
const tell = (text) => {
  status.textContent = text;
};
let curve = [];
let watching = new AbortController();

worker.onerror = ({ message }) => tell(`it cannot learn here: ${message}`);
worker.onmessage = async ({ data: { counts, epoch, trained, provider, failed } }) => {
  $("ul").replaceChildren(...Object.entries(counts).map(shownClass));
  if (failed) tell(failed);
  if (epoch) {
    curve.push(`${epoch.epoch / epoch.epochs},${1 - (epoch.heldTop1 ?? epoch.top1)}`);
    $("polyline").setAttribute("points", curve.join(" "));
    tell(`epoch ${epoch.epoch} of ${epoch.epochs}: loss ${epoch.loss.toFixed(3)}`);
  }
  if (trained) await use(trained, provider);
};

function shownClass([label, count]) {
  const item = document.createElement("li");
  const button = Object.assign(document.createElement("button"), {
    type: "button",
    textContent: "Forget",
  });
  button.onclick = () => worker.postMessage({ job: "forget", label });
  button.setAttribute("aria-label", `Forget ${label}`);
  item.append(`${label}: ${count} `, button);
  return item;
}

/** Offers what was learnt, and asks it what the camera sees. */
async function use({ bytes, held, heldTop1 }, provider) {
  $("#train").disabled = false;
  URL.revokeObjectURL(link.href);
  link.href = URL.createObjectURL(new Blob([bytes]));
  link.hidden = false;
  tell(
    `${percent(heldTop1)} of ${held} pictures that it did not learn from are right${provider ? ` (trained by ${provider})` : ""}; ${(bytes.length / 1000).toFixed(0)} kB`,
  );
  watching.abort();
  watching = new AbortController();
  const { signal } = watching;
  const model = await load(bytes, { worker: true });
  try {
    for await (const [best] of model.stream(video, { fps: 10, top: 1, signal })) {
      $("output").textContent = `${best.label}, ${percent(best.probability)}`;
    }
  } catch (error) {
    if (!signal.aborted) tell(error.message);
  } finally {
    model.dispose();
  }
}

/** Sends a picture of something to learn from. */
async function add(label, source) {
  if (!label) return tell("give it a name first");
  const picture = await createImageBitmap(source).catch(() => undefined);
  if (!picture)
    return tell(source === video ? "start the camera first" : `${source.name} is no picture`);
  worker.postMessage({ job: "add", label, picture }, [picture]);
}

async function addAll(pictures) {
  if (!pictures.length) tell("there are no pictures in it");
  for (const [label, file] of pictures) await add(label, file);
}

const label = () => form.elements.label.value.trim();

$("#camera").onclick = async ({ target }) => {
  target.disabled = true;
  try {
    // The one before: it would stay on.
    for (const track of video.srcObject?.getTracks() ?? []) track.stop();
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: true });
    await video.play();
  } catch ({ name, message }) {
    tell(
      name === "NotAllowedError"
        ? "the camera may not be used: allow it, or choose pictures"
        : `no camera: ${message}`,
    );
  } finally {
    target.disabled = false;
  }
};
$("#snap").onclick = () => add(label(), video);
form.onsubmit = (event) => event.preventDefault();
$("#pictures").onchange = async ({ target }) => {
  await addAll([...target.files].map((file) => [label(), file]));
  target.value = "";
};
$("#folder").onchange = ({ target }) => addAll(picturesIn(target.files));
document.ondragover = (event) => event.preventDefault();
document.ondrop = async (event) => {
  event.preventDefault();
  await addAll(await droppedPictures(event.dataTransfer));
};
$("#train").onclick = async () => {
  curve = [];
  $("#train").disabled = true;
  const network = $("#head").checked
    ? new Uint8Array(await (await fetch(base)).arrayBuffer())
    : undefined;
  worker.postMessage({ job: "train", network });
};
