/**
 * npm run build:bundles: what is made of dist and the kernels for those who have no bundler that follows
 * `new URL(..., import.meta.url)`:
 *
 *   wasm/team-worker.js          a thread, with all that it imports (the option `assets`)
 *   wasm/model-worker.js         a worker that runs models, likewise
 *   dist/onebit.standalone.js    the root export in one file, kernels and workers inside
 *   .../onebit.webgpu.js         the WebGPU backend for both, beside them, loaded where it is used
 *   .../onebit.words.js          the words of failures, loaded where something fails
 */
import { readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { deflateRawSync } from "node:zlib";
import { rolldown } from "rolldown";

const root = import.meta.dirname;
const backend = join(root, "dist", "runtime", "backends", "wasm");
const read = (name) => readFileSync(join(root, "wasm", name));
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

const [simd, relaxed] = ["simd.wasm", "relaxed.wasm"].map(stamped);
const kernels = deflateRawSync(Buffer.concat([simd, relaxed]), { level: 9 }).toString("base64");

/** What the WebGPU backend takes from the file that it lies beside: an OnebitError is one class in both. */
const SHARED = ["errors.js", "runtime/budget.js"];
const WEBGPU = "onebit.webgpu.js";
const WORDS = "onebit.words.js";
const BESIDE = [beside(["webgpu/index.js"], WEBGPU), beside(["words/failures.js"], WORDS)];

const worker = join(root, "dist", "runtime", "worker");
const one = { format: "esm", minify: true, codeSplitting: false };

await write(join(backend, "team-worker.js"), join(root, "wasm", "team-worker.js"));
const modelWorker = join(worker, "model-worker.js");
await write(modelWorker, join(root, "wasm", "model-worker.js"), {
  plugins: [
    given(modelWorker, `${readFileSync(modelWorker)}\n${shared()}`),
    replaced("/beside.js", join(backend, "given.js")),
    ...BESIDE,
  ],
});
writeFileSync(join(root, "dist", "onebit.standalone.js"), await standalone());
for (const file of ["dist/onebit.standalone.js", "wasm/model-worker.js"]) {
  const shared = { plugins: [beside(SHARED, basename(file))] };
  await write(join(backend, "../webgpu/index.js"), join(root, dirname(file), WEBGPU), shared);
  await write(join(root, "dist", "words", "failures.js"), join(root, dirname(file), WORDS), shared);
}

/** All of it in one function, ONEBIT, whose text is what workers run: see inside.ts. */
async function standalone() {
  const index = text(join(root, "dist", "index.js"));
  const serve = text(join(worker, "serve.js"));
  const entry = `export * from ${index}; export { serve } from ${serve}; ${shared()}`;
  const bundle = await rolldown({
    ...{ input: "entry", platform: "browser" },
    transform: { define: { INSIDE: JSON.stringify({ kernels, simdBytes: simd.length }) } },
    plugins: [given("entry", entry), replaced("/beside.js", join(backend, "inside.js")), ...BESIDE],
  });
  const { output } = await bundle.generate({ ...one, format: "cjs" });
  await bundle.close();
  const [{ code, exports }] = output;
  const names = exports.filter((name) => name !== "serve").join(",");
  return `function ONEBIT(){var exports={};${code};return exports}const{${names}}=ONEBIT();export{${names}};\n`;
}

/** The kernels, with a section "onebit" of their own at the end that holds the version. */
function stamped(name) {
  const bytes = read(name);
  const content = Buffer.from(`\x06onebit${version}`);
  if (bytes.subarray(-content.length).equals(content)) return bytes;
  const made = Buffer.concat([bytes, Buffer.from([0, content.length]), content]);
  writeFileSync(join(root, "wasm", name), made);
  return made;
}

async function write(input, file, options = {}) {
  const bundle = await rolldown({ input, platform: "browser", ...options });
  await bundle.write({ ...one, file });
  await bundle.close();
}

/** Takes `file` wherever a module is imported whose name ends so. */
function replaced(end, file) {
  return { name: "replaced", resolveId: (id) => (id.endsWith(end) ? file : undefined) };
}

function shared() {
  return SHARED.map((file) => `export * from ${text(join(root, "dist", file))};`).join(" ");
}

function text(path) {
  return JSON.stringify(path);
}

/** A module that is no file, or not as its file is. */
function given(name, code) {
  return {
    name: "given",
    resolveId: (id) => (id === name ? id : undefined),
    load: (id) => (id === name ? code : undefined),
  };
}

/** Leaves modules out whose names end so: they are found in a file beside the bundle. */
function beside(ends, file) {
  const resolveId = (id) =>
    ends.some((end) => id.endsWith(`/${end}`)) ? { id: `./${file}`, external: true } : undefined;
  return { name: "beside", resolveId };
}
