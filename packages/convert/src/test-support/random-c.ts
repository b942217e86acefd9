import { execFileSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type RandomProgram, randomProgram } from "onebit/conformance";
import { type Program, type ProgramTensors, withMaps } from "onebit/program";
import { reference } from "onebit/reference";
import { integerProgramCode, type ProgramCode, programCode } from "../c/program.js";
import { lower, quantised } from "../integer/lower.js";
import { checkInteger } from "../integer/no-integer.js";
import { rangesOf } from "../integer/ranges.js";
import { integerRunner } from "../integer/run.js";
import { compile } from "./c-compiler.js";

/** How a program is computed: in C and here. */
interface Way {
  readonly code: ProgramCode;
  /** Type and member of the arena. */
  readonly type: "float" | "int16_t";
  readonly image: Float32Array | Int16Array;
  readonly wanted: { readonly [output: string]: ArrayLike<number> };
}

export type Arithmetic = "float" | "integer";

/** The first difference between what the C of a random program and onebit compute. */
export async function randomDifference(
  seed: number,
  arithmetic: Arithmetic,
  { compiler, folder, flags }: { compiler: string; folder: string; flags: readonly string[] },
): Promise<string | undefined> {
  const { program, tensors, image } = arithmetic === "float" ? randomProgram(seed) : integer(seed);
  const way = await (arithmetic === "float" ? inFloat : inIntegers)(program, tensors, image);
  const source = join(folder, `${arithmetic}-${seed}.c`);
  await writeFile(source, mainOf(program, way));
  const out = await compile(compiler, [source], join(folder, `${arithmetic}-${seed}`), flags);
  const { buffer, byteOffset, byteLength } = way.image;
  const input = new Uint8Array(buffer, byteOffset, byteLength);
  const bytes = Uint8Array.from(execFileSync(out, { input, maxBuffer: 2 ** 28 })).buffer;
  const got = way.type === "float" ? new Float32Array(bytes) : new Int16Array(bytes);
  let at = 0;
  for (const name of Object.keys(program.outputs)) {
    for (const value of Array.from(way.wanted[name])) {
      if (!Object.is(got[at], value)) return `${seed}, ${name}: ${got[at]} instead of ${value}`;
      at++;
    }
  }
  return undefined;
}

/** The first program from the seed that whole numbers have a form of. */
function integer(seed: number): RandomProgram {
  for (let i = 0; ; i++) {
    const random = randomProgram(1000 * seed + i);
    if (hasIntegerForm(random.program)) return random;
  }
}

function hasIntegerForm(program: Program): boolean {
  try {
    checkInteger(program);
    return true;
  } catch {
    return false;
  }
}

async function inFloat(
  program: Program,
  tensors: ProgramTensors,
  image: Float32Array,
): Promise<Way> {
  const executable = await reference.compile(program, tensors, { threads: 1 });
  const wanted = await executable.run(image, 1);
  return { code: programCode(program, tensors), type: "float", image, wanted };
}

async function inIntegers(
  program: Program,
  tensors: ProgramTensors,
  image: Float32Array,
): Promise<Way> {
  const wide = withMaps(program, "float32");
  const integers = await lower(wide, tensors, await rangesOf(wide, tensors, [image]));
  const q = Int16Array.from(image, (x) => quantised(x, integers.fractions[program.input]));
  const values = integerRunner(integers, tensors)(q);
  const wanted = Object.fromEntries(
    Object.entries(program.outputs).map(([name, id]) => [name, values[id]]),
  );
  return { code: integerProgramCode(integers, tensors), type: "int16_t", image: q, wanted };
}

/** An image from stdin, outputs to stdout. What the memory holds before must not matter. */
function mainOf(program: Program, { code, type, image }: Way): string {
  const { arena, text } = code;
  const placeOf = (id: number) =>
    type === "float" ? `arena.f[${arena.values[id]}]` : `arena.s[${2 * arena.values[id]}]`;
  const writes = Object.values(program.outputs).map((id) => {
    const { shape } = program.values[id];
    return `  fwrite(&${placeOf(id)}, sizeof image[0], ${shape[0] * shape[1] * shape[2]}, stdout);`;
  });
  return `#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
${text}
int main(void)
{
  static ${type} image[${image.length}];
  memset(&arena, 0xff, sizeof arena);
  if (fread(image, sizeof image[0], ${image.length}, stdin) != ${image.length}) return 1;
  memcpy(&${placeOf(program.input)}, image, sizeof image);
  compute();
${writes.join("\n")}
  return 0;
}
`;
}
