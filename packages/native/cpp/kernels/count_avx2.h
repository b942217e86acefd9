// Differing bits of activation windows and weight rows, AVX2, by table lookup.
//
//   for each byte of the window (8 input channels):
//     w = weights of 16 output channels: their low nibbles, then their high nibbles
//     for each pixel t:
//       table = for each nibble value v: popcount(v ^ nibble of pixel t), low and high
//       count[t] += shuffle(table, w)                       bytes, at most 4 each
//
// Tile: 16 output channels, one or two blocks, x up to 4 pixels. 128 multiply-adds take one VPSHUFB
// and one VPADDB; a pixel's table row (VMOVDQA) serves both blocks. Byte counters are widened before
// they can overflow.

struct NibbleTables {
  alignas(32) unsigned char row[256][32];
};

static constexpr NibbleTables makeNibbleTables() {
  NibbleTables tables{};
  for (int x = 0; x < 256; x++) {
    for (int v = 0; v < 16; v++) {
      tables.row[x][v] = static_cast<unsigned char>(__builtin_popcount(v ^ (x & 15)));
      tables.row[x][16 + v] = static_cast<unsigned char>(__builtin_popcount(v ^ (x >> 4)));
    }
  }
  return tables;
}

static constexpr NibbleTables kNibbleTables = makeNibbleTables();

/** The 32 byte counters (channel i in bytes i and 16 + i) as 16 counts, or added to those that are there. */
static inline void widen(__m256i bytes, bool first, int32_t* counts) {
  const __m256i sums = _mm256_add_epi16(_mm256_cvtepu8_epi16(_mm256_castsi256_si128(bytes)),
                                        _mm256_cvtepu8_epi16(_mm256_extracti128_si256(bytes, 1)));
  const auto put = [&](int32_t* to, __m128i words) {
    __m256i* place = reinterpret_cast<__m256i*>(to);
    const __m256i own = _mm256_cvtepu16_epi32(words);
    _mm256_storeu_si256(place, first ? own : _mm256_add_epi32(_mm256_loadu_si256(place), own));
  };
  put(counts, _mm256_castsi256_si128(sums));
  put(counts + 8, _mm256_extracti128_si256(sums, 1));
}

/** Bytes that may be looked at before a counter of at most 4 per byte could pass 255. */
constexpr int kBytesPerFlush = 60;

template <int T, int B>
static void countTile(const Window& window, const unsigned char* panel, size_t panelBytes, int32_t* counts) {
  const unsigned char* row = reinterpret_cast<const unsigned char*>(window.start);
  const int64_t step = window.step * 4;
  __m256i count[B][T];
  const auto clear = [&] {
    for (int b = 0; b < B; b++)
      for (int t = 0; t < T; t++) count[b][t] = _mm256_setzero_si256();
  };
  const auto flush = [&](bool first) {
    for (int b = 0; b < B; b++)
      for (int t = 0; t < T; t++) widen(count[b][t], first, counts + b * kTileFloats + t * kLanes);
  };
  clear();
  bool first = true;
  int left = kBytesPerFlush;
  for (int ky = 0; ky < window.rows; ky++, row += window.rowStride * 4) {
    const int length = window.rowLength * 4;
    for (int begin = 0, end = 0; begin < length; begin = end) {
      // Rows stay whole where they can: fewer, longer loops.
      const int wanted = length - begin < kBytesPerFlush ? length - begin : kBytesPerFlush;
      if (wanted > left) {
        flush(first);
        clear();
        first = false;
        left = kBytesPerFlush;
      }
      end = begin + wanted;
      left -= wanted;
      for (int i = begin; i < end; i++, panel += 32) {
        __m256i weights[B];
        for (int b = 0; b < B; b++)
          weights[b] = _mm256_load_si256(reinterpret_cast<const __m256i*>(panel + b * panelBytes));
#pragma GCC unroll 4
        for (int t = 0; t < T; t++) {
          const __m256i table =
              _mm256_load_si256(reinterpret_cast<const __m256i*>(kNibbleTables.row[row[t * step + i]]));
          for (int b = 0; b < B; b++)
            count[b][t] = _mm256_add_epi8(count[b][t], _mm256_shuffle_epi8(table, weights[b]));
        }
      }
    }
  }
  flush(first);
}

constexpr int kPixels = 4;
constexpr int kCountBlocks = 2;

template <int B>
static void countBlocksOf(const Window& window, int pixels, const unsigned char* panel, size_t panelBytes,
                          int32_t* counts) {
  switch (pixels) {
    case 1: return countTile<1, B>(window, panel, panelBytes, counts);
    case 2: return countTile<2, B>(window, panel, panelBytes, counts);
    case 3: return countTile<3, B>(window, panel, panelBytes, counts);
    default: return countTile<4, B>(window, panel, panelBytes, counts);
  }
}

static void countPixels(const Window& window, int pixels, const unsigned char* panel, int blocks,
                        int32_t* counts) {
  if (blocks == 1) return countBlocksOf<1>(window, pixels, panel, window.panelBytes, counts);
  countBlocksOf<2>(window, pixels, panel, window.panelBytes, counts);
}

static void countWords(const Window& window, int n, const unsigned char* panel, int blocks, int32_t* counts) {
  inParts(window, n, kPixels, [&](const Window& part, int pixels, int first) {
    countPixels(part, pixels, panel, blocks, counts + first * kLanes);
  });
}
