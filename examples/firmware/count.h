/* gcc -include count.h: after each step of a network, what it took since the last. */
#ifndef COUNT_H
#define COUNT_H

#include <stdint.h>

void count_step(int step);
#define AFTER_STEP(step) count_step(step);

#endif
