// Steps that do the work of the step after them.
#pragma once
#include <vector>

#include "program.h"

namespace onebit {

/**
 * A 2x2 mean pool of a map that nobody else reads: whoever stores the map adds to the means instead,
 * and the map itself never exists.
 */
void joinPools(Program& program);

/**
 * A map prelu(accumulator * s + t) of a binary convolution that only gates read (Code::gate):
 * the accumulators are kept instead, as 16-bit integers, and the gate computes the activation again,
 * with the same bits. Half the memory, for maps that the caches cannot hold. Returns such maps.
 */
std::vector<int32_t> keepCounts(Program& program);

}  // namespace onebit
