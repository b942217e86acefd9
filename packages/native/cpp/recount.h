// Maps that are computed again rather than kept.
#pragma once
#include "program.h"

namespace onebit {

/**
 * A large map that a small 1x1 binary convolution makes and one element-wise step reads (the two
 * passes around a squeeze-and-excite gate) leaves the cache before it is read: the second pass counts
 * the bits, a 32nd of the map, again. The same operations, so the same numbers.
 */
void recount(Program& program);

}  // namespace onebit
