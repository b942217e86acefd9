import * as api from "./api.js";

addEventListener("message", async ({ data: { name, args } }) => {
  try {
    postMessage({ result: await api[name](...args) });
  } catch (error) {
    postMessage({ error: String(error) });
  }
});
postMessage("ready");
