/**
 * npm run build:bundles: what is made of dist and the kernels for those who have no bundler that follows
 * `new URL(..., import.meta.url)`:
 *
 *   wasm/team-worker.js          a thread, with all that it imports (the option `assets`)
 *   dist/onebit.standalone.js    the root export in one file, kernels and threads inside
 */
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { deflateRawSync } from "node:zlib";
import { rolldown } from "rolldown";

const root = import.meta.dirname;
const backend = join(root, "dist", "runtime", "backends", "wasm");
const read = (name) => readFileSync(join(root, "wasm", name));
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

const [simd, relaxed] = ["simd.wasm", "relaxed.wasm"].map(stamped);
const kernels = deflateRawSync(Buffer.concat([simd, relaxed]), { level: 9 }).toString("base64");

await bundle(join(backend, "team-worker.js"), join(root, "wasm", "team-worker.js"));
const inside = { kernels, simdBytes: simd.length, worker: read("team-worker.js").toString() };
await bundle(join(root, "dist", "index.js"), join(root, "dist", "onebit.standalone.js"), {
  transform: { define: { INSIDE: JSON.stringify(inside) } },
  plugins: [replaced("./beside.js", join(backend, "inside.js"))],
});

/** The kernels, with a section "onebit" of their own at the end that holds the version. */
function stamped(name) {
  const bytes = read(name);
  const content = Buffer.from(`\x06onebit${version}`);
  if (bytes.subarray(-content.length).equals(content)) return bytes;
  const made = Buffer.concat([bytes, Buffer.from([0, content.length]), content]);
  writeFileSync(join(root, "wasm", name), made);
  return made;
}

async function bundle(input, file, options = {}) {
  const made = await rolldown({ input, platform: "browser", ...options });
  await made.write({ file, format: "esm", minify: true, codeSplitting: false });
  await made.close();
}

/** Takes `file` wherever the backend imports `name`. */
function replaced(name, file) {
  const resolveId = (id, importer) =>
    id === name && importer && dirname(importer) === backend ? file : undefined;
  return { name: "replaced", resolveId };
}
