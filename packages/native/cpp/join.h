// Steps that do the work of the step after them.
#pragma once
#include "program.h"

namespace onebit {

/**
 * A 2x2 mean pool of a map that nobody else reads: whoever stores the map adds to the means instead,
 * and the map itself never exists.
 */
void joinPools(Program& program);

}  // namespace onebit
