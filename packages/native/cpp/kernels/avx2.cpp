#include "../step.h"

#if defined(__AVX2__)
#include <immintrin.h>

#include <utility>

namespace onebit {
namespace {
#include "vector.h"
#include "sigmoid.h"
#include "epilogue.h"
#include "window.h"
#include "count_avx2.h"
#include "steps.h"
#include "distances.h"
constexpr Isa kIsa = {"avx2", "lookup", PanelFormat::nibbles, false, runTask, finishMean, hamming, dots};
}  // namespace

const Isa* avx2Kernels() { return &kIsa; }

}  // namespace onebit
#else
namespace onebit {
const Isa* avx2Kernels() { return nullptr; }
}  // namespace onebit
#endif
