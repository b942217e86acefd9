/*
 * Prints "step instructions" for each step of one image, under QEMU with -icount SHIFT: an instruction takes 2^SHIFT
 * nanoseconds there. Compile with -DHEADER='"fashion.h"' -DNET=FASHION -DRUN=fashion_run -DSHIFT=5, and the network
 * with -include count.h. On a board the ticks of SysTick are cycles; SHIFT is 0 on RISC-V.
 */
#include "count.h"

#include HEADER

#include <stdio.h>

#define JOIN(a, b) a##b
#define OF(net, what) JOIN(net, what)
#define BYTES (OF(NET, _HEIGHT) * OF(NET, _WIDTH) * OF(NET, _CHANNELS))

#if defined(__arm__)
/* SysTick: 24 bits, downwards, once every 40 ns on an MPS2 board. */
#define TICK 40u
static volatile uint32_t *const systick = (volatile uint32_t *)0xe000e010u;
static void start(void)
{
  systick[1] = 0xffffffu;
  systick[2] = 0;
  systick[0] = 5;
}
static uint32_t now(void)
{
  return 0xffffffu - systick[2];
}
static uint32_t since(uint32_t then)
{
  const uint64_t nanoseconds = (uint64_t)((now() - then) & 0xffffffu) * TICK;
  return (uint32_t)(nanoseconds >> SHIFT);
}
#else
static void start(void)
{
}
static uint32_t now(void)
{
  uint32_t count;
  __asm volatile(".option push\n\t.option arch, +zicsr\n\tcsrr %0, instret\n\t.option pop" : "=r"(count));
  return count;
}
/* QEMU counts nanoseconds of its clock there. */
static uint32_t since(uint32_t then)
{
  return (now() - then) >> SHIFT;
}
#endif

static uint32_t counts[1024];
static int steps;
static uint32_t last;

void count_step(int step)
{
  counts[step] = since(last);
  steps = step + 1;
  last = now();
}

int main(void)
{
  static uint8_t image[BYTES];
  static float scores[OF(NET, _CLASSES)];
  for (uint32_t i = 0; i < BYTES; i++) image[i] = (uint8_t)((i * 2654435761u) >> 24);
  start();
  last = now();
  if (RUN(image, scores) != 0) return 1;
  for (int i = 0; i < steps; i++) printf("%d %lu\n", i, (unsigned long)counts[i]);
  return 0;
}
