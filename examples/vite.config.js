import { resolve } from "node:path";
import config from "./web/vite.config.js";

/** npx vite examples: all pages, from one server. */
export default {
  ...config,
  server: { ...config.server, fs: { allow: [".."] } },
  worker: { format: "es" },
  build: {
    target: "es2022",
    rollupOptions: {
      input: Object.fromEntries(
        ["react", "teach"].map((name) => [name, resolve(import.meta.dirname, name, "index.html")]),
      ),
    },
  },
};
