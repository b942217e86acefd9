#include "../step.h"

#if (defined(__AMX_INT8__) || defined(ONEBIT_EMULATED_TILES)) && defined(__AVX512VPOPCNTDQ__)
#include <immintrin.h>

#include <utility>

#ifdef ONEBIT_EMULATED_TILES
#include "../test/emulated_tiles.h"
#endif

namespace onebit {
namespace {
#include "vector.h"
#include "sigmoid.h"
#include "epilogue.h"
#include "window.h"
#include "count_avx512.h"
#include "count_amx.h"
#include "steps.h"
#include "distances.h"

constexpr Isa kIsa = {"amx", "tiles", PanelFormat::bytes, true, runTask, finishMean, hamming, dots};
}  // namespace

const Isa* amxKernels() { return &kIsa; }

}  // namespace onebit
#else
namespace onebit {
const Isa* amxKernels() { return nullptr; }
}  // namespace onebit
#endif
