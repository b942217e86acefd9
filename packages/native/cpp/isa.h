// The instruction sets that this processor can run, best first.
#pragma once
#include <string>
#include <vector>

#include "step.h"

namespace onebit {

std::vector<const Isa*> availableIsas();

/** By name; the best where it is empty. Throws where this processor has none of that name. */
const Isa* chooseIsa(const std::string& name);

}  // namespace onebit
