import { INVERSE_FACTORIALS } from "onebit/program";
import { SIGMOID_TABLE } from "../integer/sigmoid.js";
import type { Helper } from "./context.js";
import { constArray } from "./text.js";

/** Functions of the generated file, written where they are called. */
export const SUPPORT: { readonly [H in Helper]: string } = {
  "popcount-instruction": `/* Bits are counted by an instruction where the target has one, by arithmetic where it has not. */
#if defined(__POPCNT__) || defined(__aarch64__) || defined(__riscv_zbb)
#define POPCOUNT(x) ((int32_t)__builtin_popcountll(x))
#endif`,

  "popcount-masks": `#ifndef POPCOUNT
/* A mask that stays in a register: with one, shifting and masking are one instruction on many targets. */
static inline uint32_t in_register(uint32_t mask)
{
#if defined(__GNUC__)
  __asm__("" : "+r"(mask));
#endif
  return mask;
}
#endif`,

  "sum-of-bytes": `#ifndef POPCOUNT
static inline int32_t sum_of_bytes(uint32_t x)
{
#if defined(__GNUC__) && defined(__ARM_FEATURE_DSP)
  __asm__("usad8 %0, %0, %1" : "+r"(x) : "r"(0));
  return (int32_t)x;
#else
  x = (x & 0x00ff00ffu) + ((x >> 8) & 0x00ff00ffu);
  return (int32_t)((x + (x >> 16)) & 0xffffu);
#endif
}
#endif`,

  sigmoid: `/* 1 / (1 + exp(-x)), in double, rounded once; exp by a polynomial, the same on every target. */
static float sigmoid(float value)
{
  static const double terms[14] = {
${INVERSE_FACTORIALS.map((term) => `    ${doubled(term)},`).join("\n")}
  };
  const double x = -(double)value;
  if (x != x) return value;
  if (x > 709.0) return 0.0f;
  if (x < -708.0) return 1.0f;
  const double scaled = x * 1.4426950408889634 + 0.5;
  int32_t k = (int32_t)scaled;
  if ((double)k > scaled) k--;
  double r = x - (double)k * 0.6931471803691238;
  r = r - (double)k * 1.9082149292705877e-10;
  double p = terms[13];
  for (int32_t i = 12; i >= 0; i--) {
    p = p * r;
    p = p + terms[i];
  }
  double factor = k < 0 ? 0.5 : 2.0;
  double power = 1.0;
  for (int32_t n = k < 0 ? -k : k; n > 0; n /= 2) {
    if (n % 2 == 1) power = power * factor;
    factor = factor * factor;
  }
  return (float)(1.0 / (1.0 + p * power));
}`,

  "to-bfloat16": `/* To the nearest, ties to even. */
static uint16_t to_bfloat16(float x)
{
  union { float number; uint32_t bits; } it;
  it.number = x;
  return (uint16_t)((it.bits + 0x7fffu + ((it.bits >> 16) & 1u)) >> 16);
}`,

  "from-bfloat16": `static float from_bfloat16(uint16_t upper)
{
  union { float number; uint32_t bits; } it;
  it.bits = (uint32_t)upper << 16;
  return it.number;
}`,

  "round-half-even": `/* For 0 <= x < 65536. */
static float round_half_even(float x)
{
  int32_t whole = (int32_t)x;
  const float rest = x - (float)whole;
  if (rest > 0.5f || (rest == 0.5f && whole % 2 == 1)) whole++;
  return (float)whole;
}`,

  "integer-sigmoid": `/* 2^15 / (1 + exp(-x / 2^11)): a table for every 16th of x, and lines between. */
${constArray("int16_t", "sigmoids", SIGMOID_TABLE.map(String))}

static int32_t integer_sigmoid(int32_t x)
{
  const int32_t size = x < 0 ? -x : x;
  const int16_t *const at = &sigmoids[size >> 7];
  const int32_t y = at[0] + (((at[1] - at[0]) * (size & 127) + 64) >> 7);
  return x < 0 ? 32768 - y : y;
}`,
};

function doubled(x: number): string {
  const text = String(x);
  return /[.e]/.test(text) ? text : `${text}.0`;
}
