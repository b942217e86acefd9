// Differing bits of activation windows and weight rows with 128-bit vectors: NEON's byte popcount,
// elsewhere by shifts and masks (what any x86-64 has).
//
//   for each kernel row, each 32-bit word of it:
//     w = weights of 16 output channels                     four vectors
//     for each pixel t:
//       bytes[t] += popcount per byte(w ^ broadcast(word of pixel t))
//   every 31 words: counts[t] += the four bytes of each lane
//
// Tile: 16 output channels x up to 4 pixels (NEON) or 2. NEON: EOR, CNT, ADD per 128 multiply-adds.

typedef uint32_t Words __attribute__((vector_size(16)));

#if defined(__aarch64__)
constexpr int kPixels = 4;

static inline Words popcountBytes(Words x) {
  return reinterpret_cast<Words>(vcntq_u8(reinterpret_cast<uint8x16_t>(x)));
}

static inline Words addBytes(Words a, Words b) {
  return reinterpret_cast<Words>(vaddq_u8(reinterpret_cast<uint8x16_t>(a), reinterpret_cast<uint8x16_t>(b)));
}

static inline Words sumBytes(Words bytes) {
  return reinterpret_cast<Words>(vpaddlq_u16(vpaddlq_u8(reinterpret_cast<uint8x16_t>(bytes))));
}
#else
constexpr int kPixels = 2;

static inline Words popcountBytes(Words x) {
  x = x - ((x >> 1) & 0x55555555u);
  x = (x & 0x33333333u) + ((x >> 2) & 0x33333333u);
  return (x + (x >> 4)) & 0x0f0f0f0fu;
}

/** No byte overflows: at most 31 times 8. */
static inline Words addBytes(Words a, Words b) { return a + b; }

static inline Words sumBytes(Words bytes) {
  const Words pairs = (bytes & 0x00ff00ffu) + ((bytes >> 8) & 0x00ff00ffu);
  return (pairs + (pairs >> 16)) & 0xffffu;
}
#endif

constexpr int kCountBlocks = 1;
constexpr int kWordsPerFlush = 31;

template <int T>
static void countTile(const Window& window, const unsigned char* panel, int32_t* counts) {
  const Words* weights = reinterpret_cast<const Words*>(panel);
  Words sums[T][4] = {};
  const uint32_t* row = window.start;
  for (int ky = 0; ky < window.rows; ky++, row += window.rowStride) {
    for (int begin = 0; begin < window.rowLength; begin += kWordsPerFlush) {
      const int end = begin + kWordsPerFlush < window.rowLength ? begin + kWordsPerFlush : window.rowLength;
      Words bytes[T][4] = {};
      for (int word = begin; word < end; word++, weights += 4) {
        for (int t = 0; t < T; t++) {
          const Words x = Words{} + row[t * window.step + word];
          for (int part = 0; part < 4; part++)
            bytes[t][part] = addBytes(bytes[t][part], popcountBytes(weights[part] ^ x));
        }
      }
      for (int t = 0; t < T; t++)
        for (int part = 0; part < 4; part++) sums[t][part] += sumBytes(bytes[t][part]);
    }
  }
  __builtin_memcpy(counts, sums, sizeof sums);
}

static void countPixels(const Window& window, int pixels, const unsigned char* panel, int, int32_t* counts) {
  if constexpr (kPixels == 4) {
    if (pixels == 4) return countTile<4>(window, panel, counts);
    if (pixels == 3) return countTile<3>(window, panel, counts);
  }
  if (pixels == 2) return countTile<2>(window, panel, counts);
  countTile<1>(window, panel, counts);
}

static void countWords(const Window& window, int n, const unsigned char* panel, int blocks, int32_t* counts) {
  inParts(window, n, kPixels, [&](const Window& part, int pixels, int first) {
    countPixels(part, pixels, panel, blocks, counts + first * kLanes);
  });
}
