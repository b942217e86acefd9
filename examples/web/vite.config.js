// Threads need SharedArrayBuffer, which a page gets only with these headers.
const headers = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

export default {
  server: { headers },
  preview: { headers },
  build: { target: "es2022" },
  assetsInclude: ["**/*.onebit"],
  // Vite's bundles of dependencies would lose the worker and the WebAssembly beside them.
  optimizeDeps: { exclude: ["onebit"] },
};
