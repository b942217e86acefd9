import { execFile, execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);

/** A device that C is compiled for and run on, under an emulator. */
export interface Target {
  readonly name: string;
  readonly compiler: string;
  readonly emulator: string;
  /** Debian packages that have both. */
  readonly packages: string;
  /** Of this processor, for compiling. */
  readonly processor: readonly string[];
  /** Of this board, for linking. */
  readonly board: readonly string[];
  readonly machine: readonly string[];
  /** Instructions are counted where the emulator's clock is theirs: arguments for that. */
  readonly counting?: readonly string[];
}

const firmware = (name: string) =>
  fileURLToPath(new URL(`../../../../examples/firmware/${name}`, import.meta.url));

const SEMIHOSTING = [
  ...["-nographic", "-monitor", "none", "-serial", "none", "-chardev", "stdio,id=host"],
  ...["-semihosting-config", "enable=on,target=native,chardev=host", "-kernel"],
];

/** Nanoseconds that an instruction takes there: 2^5. */
const SHIFT = 5;

function cortexM(name: string, cpu: string, machine: string, ...float: string[]): Target {
  return {
    name,
    compiler: "arm-none-eabi-gcc",
    emulator: "qemu-system-arm",
    packages: "gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm",
    processor: [`-mcpu=${cpu}`, "-mthumb", ...float],
    board: [
      ...[firmware("cortex-m.c"), "--specs=rdimon.specs", "-nostartfiles"],
      ...["-T", firmware("mps2.ld"), "-Wl,--gc-sections"],
    ],
    machine: ["-M", machine, ...SEMIHOSTING],
    counting: ["-icount", `shift=${SHIFT}`],
  };
}

export const TARGETS: readonly Target[] = [
  cortexM("Cortex-M4", "cortex-m4", "mps2-an386", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"),
  cortexM("Cortex-M7", "cortex-m7", "mps2-an500", "-mfloat-abi=hard", "-mfpu=fpv5-sp-d16"),
  // A Cortex-M3 runs what was compiled for the smaller processor; QEMU has no board of it with so much memory.
  cortexM("ARMv6-M", "cortex-m0", "mps2-an385"),
  {
    name: "RISC-V 32",
    compiler: "riscv64-unknown-elf-gcc",
    emulator: "qemu-system-riscv32",
    packages: "gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf qemu-system-misc",
    processor: ["-march=rv32imac", "-mabi=ilp32", "--specs=picolibc.specs"],
    board: [
      ...["--oslib=semihost", "--crt0=hosted", "-Wl,--gc-sections"],
      ...["-Wl,--defsym=__flash=0x80000000", "-Wl,--defsym=__flash_size=0x400000"],
      ...["-Wl,--defsym=__ram=0x80400000", "-Wl,--defsym=__ram_size=0x400000"],
    ],
    machine: ["-machine", "virt", "-bios", "none", ...SEMIHOSTING],
    counting: ["-icount", `shift=${SHIFT}`],
  },
  {
    name: "64-bit ARM",
    compiler: "aarch64-linux-gnu-gcc",
    emulator: "qemu-aarch64",
    packages: "gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user",
    processor: [],
    board: ["-static"],
    machine: [],
  },
];

/** Whether its tools are here; CI must have them, elsewhere it is said that they are not. */
export function isHere({ name, compiler, emulator, packages }: Target): boolean {
  try {
    execFileSync(compiler, ["--version"], { stdio: "ignore" });
    execFileSync(emulator, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    const reason = `${name}: no ${compiler} and ${emulator} here: install ${packages}`;
    if (process.env.CI) throw new Error(reason);
    console.log(`skipped: ${reason}`);
    return false;
  }
}

/** Every warning is an error in exported code; `-O2` is what the figures in docs/devices.md are of. */
const COMPILE = [
  ..."-std=c99 -pedantic -Wall -Wextra -Wconversion -Wshadow -Werror".split(" "),
  ..."-O2 -ffp-contract=off -ffunction-sections -fdata-sections".split(" "),
];

export async function compileFor(
  target: Target,
  source: string,
  out: string,
  ...flags: string[]
): Promise<string> {
  await run(target.compiler, [...target.processor, ...COMPILE, ...flags, "-c", source, "-o", out]);
  return out;
}

/** Objects and sources to a firmware image, with a map of it. */
export async function linkFor(
  target: Target,
  files: readonly string[],
  out: string,
  ...flags: string[]
): Promise<string> {
  const { compiler, processor, board } = target;
  const all = [...processor, "-O2", ...flags, ...files, ...board, `-Wl,-Map=${out}.map`];
  await run(compiler, [...all, "-o", out, "-lm"]);
  return out;
}

/** What a firmware image prints. */
export async function emulate(target: Target, image: string): Promise<string> {
  const { emulator, machine } = target;
  const { stdout } = await run(emulator, [...machine, image], { maxBuffer: 2 ** 26 });
  return stdout;
}

/** Instructions of each step of one image, or undefined where they cannot be counted. */
export async function countInstructions(
  target: Target,
  folder: string,
  name: string,
): Promise<number[] | undefined> {
  const { counting, emulator, machine } = target;
  if (!counting) return undefined;
  const object = await compileFor(
    target,
    `${folder}/${name}.c`,
    `${folder}/counted.o`,
    ...["-include", firmware("count.h")],
  );
  const upper = name.toUpperCase();
  const image = await linkFor(
    target,
    [firmware("count.c"), object],
    `${folder}/counted.elf`,
    ...[`-DHEADER="${name}.h"`, `-DNET=${upper}`, `-DRUN=${name}_run`, `-DSHIFT=${SHIFT}`],
    `-I${folder}`,
  );
  const { stdout } = await run(emulator, [...counting, ...machine, image]);
  return stdout
    .trim()
    .split("\n")
    .map((line) => Number(line.split(" ")[1]));
}

/** Bytes of flash and RAM that an object's sections have in a linker map. */
export function memoryOf(map: string, object: string): { flash: number; ram: number } {
  const linked = map.slice(map.indexOf("Linker script and memory map"));
  const lines = linked.replace(/^( \.\S+)\n\s+/gm, "$1 ");
  let [flash, ram] = [0, 0];
  for (const line of lines.split("\n")) {
    const [, section, size, file] =
      /^ (\.\S+)\s+0x[0-9a-f]+\s+(0x[0-9a-f]+) (.*)$/.exec(line) ?? [];
    if (!file?.endsWith(object)) continue;
    if (/^\.(text|rodata|data)/.test(section)) flash += Number(size);
    if (/^\.(data|bss)/.test(section)) ram += Number(size);
  }
  return { flash, ram };
}
