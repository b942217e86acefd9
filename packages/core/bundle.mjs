/**
 * npm run build:bundles: what is made of dist and the kernels for those who have no bundler that follows
 * `new URL(..., import.meta.url)`:
 *
 *   wasm/team-worker.js          a thread, with all that it imports (the option `assets`)
 *   wasm/model-worker.js         a worker that runs models, likewise
 *   dist/onebit.standalone.js    the root export in one file, kernels and workers inside
 *   .../onebit.webgpu.js         the WebGPU backend for both, beside them, loaded where it is used
 *   .../onebit.rare.js           the words of failures and the reference backend, loaded where something fails
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
const RARE = "onebit.rare.js";
const ELSEWHERE = {
  [WEBGPU]: ["webgpu/index.js"],
  [RARE]: ["words/failures.js", "reference/index.js"],
};
const BESIDE = Object.entries(ELSEWHERE).map(([file, ends]) => beside(ends, file));

const worker = join(root, "dist", "runtime", "worker");
const one = { format: "esm", minify: true, codeSplitting: false };

await write(join(backend, "team-worker.js"), join(root, "wasm", "team-worker.js"));
const modelWorker = join(worker, "model-worker.js");
await write(modelWorker, join(root, "wasm", "model-worker.js"), {
  plugins: [
    given(modelWorker, `${readFileSync(modelWorker)}\n${shared()}`),
    replaced("/beside.js", join(backend, "given.js")),
    ...BESIDE,
    atOnce(),
  ],
});
writeFileSync(join(root, "dist", "onebit.standalone.js"), await standalone());
for (const file of ["dist/onebit.standalone.js", "wasm/model-worker.js"]) {
  const shared = beside(SHARED, basename(file));
  const place = join(root, dirname(file));
  await write(join(backend, "../webgpu/index.js"), join(place, WEBGPU), { plugins: [shared] });
  await write("rare", join(place, RARE), { plugins: [given("rare", rare()), shared] });
}

/**
 * All of it in one function, ONEBIT, whose text is what workers run: see inside.ts. The kernels are its end:
 * amid the code, which has other letters, gzip makes 1 kB more of them.
 */
async function standalone() {
  const index = text(join(root, "dist", "index.js"));
  const serve = text(join(worker, "serve.js"));
  const entry = `export * from ${index}; export { serve } from ${serve}; ${shared()}`;
  const bundle = await rolldown({
    ...{ input: "entry", platform: "browser" },
    transform: { define: { SIMD_BYTES: String(simd.length) } },
    plugins: [
      ...[given("entry", entry), replaced("/beside.js", join(backend, "inside.js"))],
      ...[...BESIDE, atOnce()],
    ],
  });
  const { output } = await bundle.generate({ ...one, format: "cjs" });
  await bundle.close();
  const [{ code, exports }] = output;
  const names = exports.filter((name) => name !== "serve").join(",");
  const inside = `function KERNELS(){return"${kernels}"}`;
  return `function ONEBIT(){var exports={};${code};return exports;${inside}}const{${names}}=ONEBIT();export{${names}};\n`;
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

function rare() {
  const files = ["words/failures.js", "runtime/backends/reference/index.js"];
  return files.map((file) => `export * from ${text(join(root, "dist", file))};`).join(" ");
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

/**
 * What is imported later, imported at once: it is in the same file anyway, and what can begin later is wrapped
 * module by module, which is 2 kB more gzipped.
 */
function atOnce() {
  const elsewhere = Object.values(ELSEWHERE).flat();
  const transform = (code) => {
    const imports = [];
    const changed = code.replace(/\bimport\("([.#][^"]+)"\)/g, (later, path) => {
      if (elsewhere.some((end) => path.endsWith(end))) return later;
      const name = `later${imports.length}`;
      imports.push(`import * as ${name} from "${path}";`);
      return `Promise.resolve(${name})`;
    });
    return imports.length > 0 ? `${imports.join("\n")}\n${changed}` : undefined;
  };
  return { name: "at-once", transform };
}

/** Leaves modules out whose names end so: they are found in a file beside the bundle. */
function beside(ends, file) {
  const resolveId = (id) =>
    ends.some((end) => id.endsWith(`/${end}`)) ? { id: `./${file}`, external: true } : undefined;
  return { name: "beside", resolveId };
}
