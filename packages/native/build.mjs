/**
 * Builds the addon from source: node packages/native/build.mjs
 * Needs a C++20 compiler; nothing else runs this script, installing never does.
 */
import { createRequire } from "node:module";
import { join } from "node:path";
import { build, findCompiler, root, sources } from "./toolchain.mjs";

const { include_dir } = createRequire(import.meta.url)("node-api-headers");
const mac = process.platform === "darwin";
const output = join(root, "dist", `onebit-${process.platform}-${process.arch}.node`);

try {
  await build({
    compiler: findCompiler(),
    list: sources(process.arch, ["addon"]),
    flags: ["-O3", "-DNDEBUG", `-I${include_dir}`, "-DNAPI_VERSION=8", "-pthread"],
    link: mac
      ? ["-bundle", "-undefined", "dynamic_lookup"]
      : ["-shared", "-static-libstdc++", "-static-libgcc"],
    objects: join(root, "dist", "objects"),
    output,
  });
  console.log(`built ${output}`);
} catch (error) {
  console.error(`@onebit/native: not built: ${error.message}`);
  process.exitCode = 1;
}
