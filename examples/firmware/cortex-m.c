/* Start of a Cortex-M: the table that it reads, memory as C wants it, main. Output goes to the debugger or QEMU. */
#include <stdint.h>
#include <stdlib.h>

extern uint32_t stack_top, data_from, data_start, data_end, bss_start, bss_end;

int main(void);
void initialise_monitor_handles(void);

__attribute__((used)) void reset(void);
void reset(void)
{
  const uint32_t *from = &data_from;
  for (uint32_t *to = &data_start; to < &data_end;) *to++ = *from++;
  for (uint32_t *to = &bss_start; to < &bss_end;) *to++ = 0;
#if defined(__ARM_FP)
  *(volatile uint32_t *)0xe000ed88u |= 0xfu << 20; /* the unit for floats is off at first */
  __asm volatile("dsb\n\tisb");
#endif
  initialise_monitor_handles();
  exit(main());
}

static void fault(void)
{
  abort();
}

__attribute__((section(".vectors"), used)) static const struct {
  const void *stack;
  void (*handlers[15])(void);
} vectors = { &stack_top, { reset, fault, fault } };
