// npx vite examples/web
import { load } from "onebit";

const input = document.querySelector("input");
const answer = document.querySelector("pre");
const url = new URL("../../models/fashion-mnist.onebit", import.meta.url);
const loading = load(url, { threads: Math.min(8, navigator.hardwareConcurrency) });
const ready = loading.then((model) => `ready: ${model.backend}`);

/** What a picture is, in words. */
async function classify(file) {
  const model = await loading;
  const bitmap = await createImageBitmap(file).catch(() => {
    throw new Error(`${file.name} is no picture that this browser can read`);
  });
  const top = await model.classify(bitmap, { top: 3 });
  bitmap.close();
  const line = ({ label, probability }) => `${(100 * probability).toFixed(1)} %  ${label}`;
  return top.map(line).join("\n");
}

let latest;

/** Shows what a promise gives, or why it failed; nothing once something newer is to be shown. */
async function show(meanwhile, text) {
  latest = text;
  answer.textContent = meanwhile;
  const shown = await text.catch((error) => `failed: ${error.message}`);
  if (latest === text) answer.textContent = shown;
}

input.onchange = () => {
  const [file] = input.files;
  if (file) show(`${file.name} ...`, classify(file));
  else show("", ready);
};
show("loading ...", ready);
