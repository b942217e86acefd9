#include "../step.h"

#if defined(__AVX512VPOPCNTDQ__)
#include <immintrin.h>

#include <utility>

namespace onebit {
namespace {
#include "vector.h"
#include "sigmoid.h"
#include "epilogue.h"
#include "window.h"
#include "count_avx512.h"
#include "steps.h"
#include "distances.h"
constexpr Isa kIsa = {"avx512", "vpopcntd", PanelFormat::words, true, runTask, finishMean, hamming, dots};
}  // namespace

const Isa* avx512Kernels() { return &kIsa; }

}  // namespace onebit
#else
namespace onebit {
const Isa* avx512Kernels() { return nullptr; }
}  // namespace onebit
#endif
