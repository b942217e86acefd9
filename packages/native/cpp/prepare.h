// What a step does before its rows are shared out.
#pragma once
#include "step.h"

namespace onebit {

/**
 * Groups of a binary convolution: bits of each group to words of its own. Quantise: low and range of
 * each channel.
 */
void prepare(const StepJob& job, char* arena);

}  // namespace onebit
