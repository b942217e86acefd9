import { classify, conformance } from "./api.js";

const functions = { classify, conformance };

addEventListener("message", async ({ data: { name, args } }) => {
  try {
    postMessage({ result: await functions[name](...args) });
  } catch (error) {
    postMessage({ error: String(error) });
  }
});
postMessage("ready");
