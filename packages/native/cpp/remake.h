// Maps that are made where they are read.
#pragma once
#include "program.h"

namespace onebit {

/**
 * A large map that a binary convolution makes and one element-wise step reads (the two passes around
 * a squeeze-and-excite gate) leaves the second-level cache in between. So the first pass keeps the
 * convolution's integers, half the size, or after a small 1x1 convolution nothing, and the second
 * makes the map from them, or from the bits. The same operations, so the same numbers; of a map of
 * bfloat16 numbers rounding is one of them.
 * anySize: small maps too. Not for every instruction set: Isa::remakes.
 */
void remakeMaps(Program& program, bool anySize);

}  // namespace onebit
