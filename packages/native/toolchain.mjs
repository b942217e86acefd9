/** How the C++ is compiled: sources, flags per instruction set, and running the compiler. */
import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, renameSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);

export const root = dirname(fileURLToPath(import.meta.url));
const cpp = (name) => join(root, "cpp", name);

export const COMMON = [
  "-std=c++20",
  "-fPIC",
  "-fvisibility=hidden",
  "-Wall",
  "-Werror=switch",
  "-Wextra",
  "-Wconversion",
  "-Wno-psabi",
];
/** One rounding per operation, in the order written. */
const NUMERICS = [
  "-ffp-contract=off",
  "-fno-math-errno",
  "-fno-trapping-math",
  "-fno-strict-aliasing",
];

const AVX512 = [
  "-mavx512f",
  "-mavx512bw",
  "-mavx512dq",
  "-mavx512vl",
  "-mavx512vpopcntdq",
  "-Wno-maybe-uninitialized",
];
const ISA_FLAGS = {
  amx: [...AVX512, "-mavx512bf16", "-mamx-tile", "-mamx-int8"],
  avx512: AVX512,
  avx2: ["-mavx2"],
};
const KERNELS = { x64: ["amx", "avx512", "avx2", "scalar"], arm64: ["neon"] };
const SHARED = [
  "budget",
  "program",
  "constants",
  "remake",
  "parts",
  "layout",
  "weights",
  "epilogue",
  "compile",
  "prepare",
  "apart",
  "pool",
  "executable",
  "isa",
];

/** Tiles in plain C++ (cpp/test/emulated_tiles.h), where AVX-512 is all that the processor has. */
export const EMULATED_TILES = ["-DONEBIT_EMULATED_TILES"];

/** Each source file with its flags. */
export function sources(arch, extra) {
  const kernels = KERNELS[arch] ?? ["scalar"];
  return [
    ...[...SHARED, ...extra].map((name) => ({ file: cpp(`${name}.cpp`), flags: [] })),
    ...kernels.map((name) => ({ file: cpp(`kernels/${name}.cpp`), flags: ISA_FLAGS[name] ?? [] })),
  ];
}

/** Debian's compilers for other processors. */
export const CROSS = {
  "linux-arm64": "aarch64-linux-gnu-g++",
  "linux-x64": "x86_64-linux-gnu-g++",
};

const WITHOUT = "Without it networks run on WebAssembly, with the same results";

/** The compiler that CXX names; without CXX the first that answers of c++, g++, clang++. */
export function findCompiler() {
  const { CXX } = process.env;
  const candidates = CXX ? [CXX] : ["c++", "g++", "clang++"];
  for (const candidate of candidates) {
    try {
      execFileSync(candidate, ["--version"], { stdio: "ignore" });
      return candidate;
    } catch {}
  }
  if (CXX) {
    throw new Error(
      `CXX names "${CXX}", which does not run: give the path of a C++ compiler, or unset it. ${WITHOUT}`,
    );
  }
  throw new Error(
    `no C++ compiler found (tried ${candidates.join(", ")}): install one (Debian: apt-get install g++; macOS: xcode-select --install) or name it in CXX. ${WITHOUT}`,
  );
}

/** Compiles every source, as many at once as there are cores, and links them; none is begun after a failure. */
export async function build({ compiler, list, flags, link, objects, output }) {
  mkdirSync(objects, { recursive: true });
  mkdirSync(dirname(output), { recursive: true });
  const waiting = [...list];
  const compiled = [];
  const compileNext = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const object = join(objects, `${basename(dirname(next.file))}-${basename(next.file)}.o`);
      compiled.push(object);
      const own = [...COMMON, ...NUMERICS, ...flags, ...next.flags];
      await compile(compiler, [...own, "-c", next.file, "-o", object]);
    }
  };
  const failed = [];
  const compileSome = () =>
    compileNext().catch((error) => {
      waiting.length = 0;
      failed.push(error);
    });
  await Promise.all(Array.from({ length: availableParallelism() }, compileSome));
  if (failed.length) throw failed[0];
  await compile(compiler, [...flags, ...compiled, ...link, "-o", `${output}.new`]);
  // Whoever has the old one open keeps it.
  renameSync(`${output}.new`, output);
}

/** Passes on what the compiler says; an Error where it fails. */
async function compile(compiler, options) {
  const { stdout, stderr } = await run(compiler, options, { maxBuffer: 2 ** 26 }).catch((error) => {
    const said = `${error.stdout}${error.stderr}`.trimEnd() || error.message;
    throw new Error(
      `${compiler} failed:\n${said}\nIt takes a compiler of C++20 (CXX=g++-12 names another) that can write to ${root}. ${WITHOUT}`,
    );
  });
  process.stderr.write(stdout + stderr);
}

export const addonName = (platform, arch) => `onebit-${platform}-${arch}.node`;

/** The addon that Node loads. */
export async function buildAddon({ platform, arch, compiler, output }) {
  const objects = join(dirname(output), `objects-${platform}-${arch}`);
  const { include_dir } = createRequire(import.meta.url)("node-api-headers");
  const how = {
    compiler,
    list: sources(arch, ["addon"]),
    flags: ["-O3", "-DNDEBUG", `-I${include_dir}`, "-DNAPI_VERSION=8", "-pthread"],
    link:
      platform === "darwin"
        ? ["-bundle", "-undefined", "dynamic_lookup"]
        : ["-shared", "-static-libstdc++", "-static-libgcc"],
    objects,
    output,
  };
  try {
    await build(how);
  } finally {
    for (const rest of [objects, `${output}.new`]) rmSync(rest, { recursive: true, force: true });
  }
}
