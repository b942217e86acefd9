// Differing bits of activation windows and weight rows, AVX-512 with VPOPCNTDQ.
//
//   for each kernel row, each 32-bit word of it:
//     w = weights of 16 output channels                     one load for up to 14 pixels
//     for each pixel t:
//       count[t] += popcount(w ^ broadcast(word of pixel t))
//
// Tile: 16 output channels x up to 14 pixels, counts in registers. 512 multiply-adds take a
// VPXORD with embedded broadcast, a VPOPCNTD (one port) and a VPADDD: 1.5 cycles.

/** STEP: words between the windows of neighbouring pixels, 0 where only known at run time. */
template <int T, int STEP>
static void countTile(const Window& window, const unsigned char* panel, int32_t* counts) {
  const int64_t step = STEP ? STEP : window.step;
  __m512i count[T];
  for (int t = 0; t < T; t++) count[t] = _mm512_setzero_si512();
  const uint32_t* row = window.start;
  for (int ky = 0; ky < window.rows; ky++, row += window.rowStride) {
    for (int word = 0; word < window.rowLength; word++, panel += 64) {
      const __m512i weights = _mm512_load_si512(panel);
#pragma GCC unroll 14
      for (int t = 0; t < T; t++) {
        const __m512i x = _mm512_set1_epi32(static_cast<int>(row[t * step + word]));
        count[t] = _mm512_add_epi32(count[t], _mm512_popcnt_epi32(_mm512_xor_si512(weights, x)));
      }
    }
  }
  for (int t = 0; t < T; t++) _mm512_storeu_si512(counts + t * kLanes, count[t]);
}

constexpr int kPixels = 14;
using CountTile = void (*)(const Window&, const unsigned char*, int32_t*);

template <int STEP, int... T>
static CountTile tileOf(int pixels, std::integer_sequence<int, T...>) {
  static constexpr CountTile table[] = {countTile<T + 1, STEP>...};
  return table[pixels - 1];
}

static CountTile chooseTile(int pixels, int64_t step) {
  constexpr std::make_integer_sequence<int, kPixels> sizes{};
  switch (step) {
    case 1: return tileOf<1>(pixels, sizes);
    case 2: return tileOf<2>(pixels, sizes);
    case 4: return tileOf<4>(pixels, sizes);
    case 8: return tileOf<8>(pixels, sizes);
    case 16: return tileOf<16>(pixels, sizes);
    case 32: return tileOf<32>(pixels, sizes);
    default: return tileOf<0>(pixels, sizes);
  }
}

constexpr int kCountBlocks = 1;

static void countPixels(const Window& window, int pixels, const unsigned char* panel, int, int32_t* counts) {
  chooseTile(pixels, window.step)(window, panel, counts);
}

static void countWords(const Window& window, int n, const unsigned char* panel, int blocks, int32_t* counts) {
  inParts(window, n, kPixels, [&](const Window& part, int pixels, int first) {
    countPixels(part, pixels, panel, blocks, counts + first * kLanes);
  });
}
