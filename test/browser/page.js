import * as api from "./api.js";

/** The same function in a worker of its own. */
function inWorker(name, ...args) {
  const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  return new Promise((resolve, reject) => {
    worker.addEventListener("error", (event) => reject(new Error(event.message)));
    worker.addEventListener("message", ({ data }) => {
      if (data === "ready") worker.postMessage({ name, args });
      else if (data.error) reject(new Error(data.error));
      else resolve(data.result);
    });
  }).finally(() => worker.terminate());
}

globalThis.onebit = { ...api, inWorker };
