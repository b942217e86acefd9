#include <utility>

#include "../step.h"
#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace onebit {
namespace {
#include "vector.h"
#include "sigmoid.h"
#include "epilogue.h"
#include "window.h"
#include "count_portable.h"
#include "steps.h"
#include "distances.h"
constexpr Isa kIsa = {"scalar", "shifts", PanelFormat::words, true, runTask, finishMean, hamming, dots};
}  // namespace

const Isa* scalarKernels() { return &kIsa; }

}  // namespace onebit
