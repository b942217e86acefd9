// npx vite examples/web
import { load } from "onebit";

const answer = document.querySelector("pre");
const file = document.querySelector("input");
const url = new URL("../../models/fashion-mnist.onebit", import.meta.url);
const model = await load(url, { threads: Math.min(8, navigator.hardwareConcurrency) });
answer.textContent = `ready: ${model.backend}`;

file.onchange = async () => {
  const bitmap = await createImageBitmap(file.files[0]);
  const top = await model.classify(bitmap, { top: 3 });
  const line = ({ label, probability }) => `${(100 * probability).toFixed(1)} %  class ${label}`;
  answer.textContent = top.map(line).join("\n");
};
