import type { OnebitFile } from "onebit/file";
import type { Program } from "onebit/program";
import { onebitCommand } from "onebit/words";
import type { IntegerNetwork } from "../integer/index.js";
import type { ProgramCode } from "./program.js";

/** What the files of a network are written from. */
export interface Facts {
  readonly name: string;
  readonly file: OnebitFile;
  /** As it is in C: for logits alone. */
  readonly program: Program;
  readonly code: ProgramCode;
  /** Of an integer network. */
  readonly network?: IntegerNetwork;
  readonly shape: readonly [number, number, number];
  readonly classes: number;
  readonly constantBytes: number;
  readonly arenaBytes: number;
}

/** Whether images are bytes, and whether they may be floats that are normalised already. */
export function inputsOf({ file, network }: Pick<Facts, "file" | "network">) {
  const bytes = file.preprocess !== undefined;
  return { bytes, floats: !network || !bytes };
}

export function header(facts: Facts): string {
  const { name, shape, classes, arenaBytes, network } = facts;
  const [height, width, channels] = shape;
  const upper = name.toUpperCase();
  const colours = channels === 3 ? "red, green and blue" : "grey";
  const { bytes, floats } = inputsOf(facts);
  const run = `
/*
 * Scores (logits) of an image of ${upper}_HEIGHT rows of ${upper}_WIDTH pixels, ${colours}, a byte each: resized and cropped
 * already. 0, or -1 where a pointer is null. Not to be called by two threads at once: there is one arena.
 */
int ${name}_run(const uint8_t *image, float *scores);
`;
  const runFloats = `
/* ${bytes ? "The same of" : "Scores (logits) of"} an image that is normalised already: rows of pixels of channels. */
int ${name}_run_floats(const float *image, float *scores);
`;
  const arithmetic = network
    ? `/* Which whole numbers it computes with: ${onebitCommand("eval", "--integer")} shows the same of this network. */
#define ${upper}_ARITHMETIC "${network.arithmetic}"
`
    : "";
  return `#ifndef ${upper}_H
#define ${upper}_H

#if !defined(__cplusplus) && (!defined(__STDC_VERSION__) || __STDC_VERSION__ < 199901L)
#error "${name}.c is C99: compile with -std=c99 or later"
#endif

#include <stdint.h>

#define ${upper}_HEIGHT ${height}
#define ${upper}_WIDTH ${width}
#define ${upper}_CHANNELS ${channels}
#define ${upper}_CLASSES ${classes}
/* RAM that it has, besides a little of the stack. */
#define ${upper}_ARENA_BYTES ${arenaBytes}
${arithmetic}
#ifdef __cplusplus
extern "C" {
#endif

/* Names of the classes. */
extern const char *const ${name}_labels[${upper}_CLASSES];
${bytes ? run : ""}${floats ? runFloats : ""}
#ifdef __cplusplus
}
#endif

#endif
`;
}

/** A program that runs the network on a file of an image's numbers. */
export function example({ name, file }: Facts): string {
  const upper = name.toUpperCase();
  const [type, run] = file.preprocess
    ? ["uint8_t", `${name}_run`]
    : ["float", `${name}_run_floats`];
  return `/* ${name} FILE: what an image is, from a file of its numbers alone. */
#include "${name}.h"

#include <stdio.h>

int main(int argc, char **argv)
{
  static ${type} image[${upper}_HEIGHT * ${upper}_WIDTH * ${upper}_CHANNELS];
  static float scores[${upper}_CLASSES];
  const size_t count = sizeof image / sizeof image[0];
  FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
  if (!file || fread(image, sizeof image[0], count, file) != count) {
    fprintf(stderr, "usage: ${name} FILE, of %lu numbers\\n", (unsigned long)count);
    if (file) fclose(file);
    return 2;
  }
  fclose(file);
  if (${run}(image, scores) != 0) return 1;
  int best = 0;
  for (int i = 1; i < ${upper}_CLASSES; i++) {
    if (scores[i] > scores[best]) best = i;
  }
  printf("%s\\n", ${name}_labels[best]);
  return 0;
}
`;
}

/** Library, example and self-test. */
export function cmake(name: string): string {
  return `cmake_minimum_required(VERSION 3.10)
project(${name} C)
set(CMAKE_C_STANDARD 99)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)

add_library(${name}_net STATIC ${name}.c)
target_include_directories(${name}_net PUBLIC \${CMAKE_CURRENT_SOURCE_DIR})
# Products and sums are rounded one by one, as in the network's own arithmetic; nobody asks for exceptions, so both
# sides of a choice may be computed, which gcc needs for vectors.
target_compile_options(${name}_net PRIVATE
  "$<$<C_COMPILER_ID:GNU,Clang,AppleClang>:-ffp-contract=off;-fno-trapping-math>")

add_executable(${name} main.c)
target_link_libraries(${name} ${name}_net)
add_executable(${name}_selftest selftest.c)
target_link_libraries(${name}_selftest ${name}_net)
enable_testing()
add_test(NAME selftest COMMAND ${name}_selftest)
`;
}
