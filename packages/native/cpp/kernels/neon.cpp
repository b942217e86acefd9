#include "../step.h"

#if defined(__aarch64__)
#include <arm_neon.h>

#include <utility>

namespace onebit {
namespace {
#include "vector.h"
#include "sigmoid.h"
#include "epilogue.h"
#include "window.h"
#include "count_portable.h"
#include "steps.h"
#include "distances.h"
constexpr Isa kIsa = {"neon", "cnt", PanelFormat::words, true, runTask, finishMean, hamming, dots};
}  // namespace

const Isa* neonKernels() { return &kIsa; }

}  // namespace onebit
#else
namespace onebit {
const Isa* neonKernels() { return nullptr; }
}  // namespace onebit
#endif
