/** How the C++ is compiled: sources, flags per instruction set, and running the compiler. */
import { execFileSync } from "node:child_process";
import { mkdirSync, renameSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(fileURLToPath(import.meta.url));
const cpp = (name) => join(root, "cpp", name);

export const COMMON = [
  "-std=c++20",
  "-fPIC",
  "-fvisibility=hidden",
  "-Wall",
  "-Wextra",
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
  amx: [...AVX512, "-mamx-tile", "-mamx-int8", "-mavx512bf16"],
  avx512: AVX512,
  avx2: ["-mavx2"],
};
const KERNELS = { x64: ["amx", "avx512", "avx2", "scalar"], arm64: ["neon"] };
const SHARED = [
  "program",
  "constants",
  "join",
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

/** Each source file with its flags. */
export function sources(arch, extra) {
  const kernels = KERNELS[arch] ?? ["scalar"];
  return [
    ...[...SHARED, ...extra].map((name) => ({ file: cpp(`${name}.cpp`), flags: [] })),
    ...kernels.map((name) => ({ file: cpp(`kernels/${name}.cpp`), flags: ISA_FLAGS[name] ?? [] })),
  ];
}

/** The first compiler that answers: CXX, c++, g++, clang++. */
export function findCompiler() {
  const candidates = [process.env.CXX, "c++", "g++", "clang++"].filter(Boolean);
  for (const candidate of candidates) {
    try {
      execFileSync(candidate, ["--version"], { stdio: "ignore" });
      return candidate;
    } catch {}
  }
  throw new Error(`no C++ compiler found (tried ${candidates.join(", ")}): install one or set CXX`);
}

/** Compiles every source and links them. */
export function build({ compiler, list, flags, link, objects, output }) {
  mkdirSync(objects, { recursive: true });
  mkdirSync(dirname(output), { recursive: true });
  const compiled = list.map(({ file, flags: own }) => {
    const object = join(objects, `${basename(dirname(file))}-${basename(file)}.o`);
    execFileSync(compiler, [...COMMON, ...NUMERICS, ...flags, ...own, "-c", file, "-o", object], {
      stdio: "inherit",
    });
    return object;
  });
  execFileSync(compiler, [...flags, ...compiled, ...link, "-o", `${output}.new`], {
    stdio: "inherit",
  });
  // Whoever has the old one open keeps it.
  renameSync(`${output}.new`, output);
}
