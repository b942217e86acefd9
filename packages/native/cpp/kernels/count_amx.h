// Minus the weights where activation bits are set, AMX tiles of 8-bit integers.
//
//   once per task: its rows of the input from bits to bytes, 0 or 1
//   once per task and two blocks of output channels:
//     for each 9 chunks of 64 window channels:
//       their weights from bits to bytes, -1 where the bit is set, else +1: they stay in L1
//       for each two tiles of up to 16 pixels of a row
//         for each chunk:
//           A = 64 bytes (0 or 1) of each pixel, twice               straight from the input
//           B = 64 x 16 output channels, twice
//           C += A * B                                               four TDPBUSD
//
// Tile: 32 pixels x 32 output channels, sums in four tile registers; 16 x 16 x 64 multiply-adds take
// one TDPBUSD, 16 cycles: three times the rate of VPOPCNTD.

#define ONEBIT_BYTES 1

struct alignas(64) TileShapes {
  uint8_t palette = 1, start = 0, reserved[14] = {};
  uint16_t columnBytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {};
};

/** Tiles 0 to 3: sums; 4 and 5: pixels; 6 and 7: weights. */
static void shapeTiles(int pixels) {
  TileShapes shapes;
  for (int i = 0; i < 6; i++) shapes.rows[i] = static_cast<uint8_t>(pixels);
  shapes.rows[6] = shapes.rows[7] = 16;
  // The intrinsic tells the compiler of the first bytes only.
  asm volatile("" : : "r"(&shapes) : "memory");
  _tile_loadconfig(&shapes);
}

/** A row of a weight tile: 4 channels of the window x 16 output channels. */
static inline void spreadWeights(const uint64_t* masks, char* to) {
  const __m512i bytes = _mm512_mask_blend_epi8(*masks, _mm512_set1_epi8(1), _mm512_set1_epi8(-1));
  _mm512_store_si512(to, bytes);
}

static inline int chunksPerRow(const StepJob& job) { return (job.rowLength + 1) / 2; }
static inline int chunksOf(const StepJob& job) { return job.kernel[0] * chunksPerRow(job); }

/** Part of a window: chunks from `begin` on, each at its offset from the window's start. */
struct Slab {
  int begin, end;
  const int64_t* offsets;
  int64_t stride;
  int64_t countsPerBlock;
};

/** Two blocks of one slab: 18 kB of bytes, which leaves the first-level cache room for pixels and sums. */
constexpr int kSlabChunks = 9;
constexpr size_t kSlabBytes = kSlabChunks * kChunkBytes;
static_assert(kSpreadBlocks * kSlabBytes == kSpreadBytes);

static void spreadPanels(const StepJob& job, const Frame& frame, const Slab& slab, int block, int blocks) {
  for (int b = 0; b < blocks; b++) {
    const uint64_t* masks =
        reinterpret_cast<const uint64_t*>(job.panels + (block + b) * job.panelBytes) + slab.begin * kLanes;
    char* to = frame.scratch + b * kSlabBytes;
    for (int chunk = slab.begin; chunk < slab.end; chunk++, masks += kLanes, to += kChunkBytes) {
#pragma GCC unroll 16
      for (int row = 0; row < kLanes; row++) spreadWeights(masks + row, to + row * 64);
      // A row of the kernel that ends amid the chunk: what follows in memory counts nothing.
      const bool half = (job.rowLength & 1) && chunk % chunksPerRow(job) == chunksPerRow(job) - 1;
      if (half) __builtin_memset(to + kChunkBytes / 2, 0, kChunkBytes / 2);
    }
  }
}

/** Counts of the task: [block][row][pitch][16], after the weights and the input. */
static int32_t* countsOf(const StepJob& job, const Frame& frame) {
  return reinterpret_cast<int32_t*>(frame.scratch + kSpreadBytes + job.spreadBytes);
}

static int64_t countsPerBlock(const StepJob& job, const Frame& frame) {
  return tilePixelsOf(job, frame.rows) * kLanes;
}

/** A: tiles of pixels, 1 or 2. B: blocks of output channels, 1 or 2. */
template <int A, int B>
static void countTiles(const Slab& slab, const char* weights, const char* const* pixels,
                       int32_t* const* counts) {
  int32_t* const first = counts[0];
  int32_t* const second = counts[A - 1];
  if (slab.begin == 0) {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  } else {
    _tile_loadd(0, first, kLanes * 4);
    if constexpr (A == 2) _tile_loadd(1, second, kLanes * 4);
    if constexpr (B == 2) _tile_loadd(2, first + slab.countsPerBlock, kLanes * 4);
    if constexpr (A == 2 && B == 2) _tile_loadd(3, second + slab.countsPerBlock, kLanes * 4);
  }
  const char* const x = pixels[0];
  const char* const z = pixels[A - 1];
  for (int chunk = slab.begin; chunk < slab.end; chunk++, weights += kChunkBytes) {
    _tile_loadd(6, weights, 64);
    _tile_loadd(4, x + slab.offsets[chunk], slab.stride);
    _tile_dpbusd(0, 4, 6);
    if constexpr (A == 2) {
      _tile_loadd(5, z + slab.offsets[chunk], slab.stride);
      _tile_dpbusd(1, 5, 6);
    }
    if constexpr (B == 2) {
      _tile_loadd(7, weights + kSlabBytes, 64);
      _tile_dpbusd(2, 4, 7);
    }
    if constexpr (A == 2 && B == 2) _tile_dpbusd(3, 5, 7);
  }
  _tile_stored(0, first, kLanes * 4);
  if constexpr (A == 2) _tile_stored(1, second, kLanes * 4);
  if constexpr (B == 2) _tile_stored(2, first + slab.countsPerBlock, kLanes * 4);
  if constexpr (A == 2 && B == 2) _tile_stored(3, second + slab.countsPerBlock, kLanes * 4);
}

static void countTilesOf(const Slab& slab, const char* weights, int tiles, int blocks,
                         const char* const* pixels, int32_t* const* counts) {
  if (tiles == 2)
    return blocks == 2 ? countTiles<2, 2>(slab, weights, pixels, counts)
                       : countTiles<2, 1>(slab, weights, pixels, counts);
  blocks == 2 ? countTiles<1, 2>(slab, weights, pixels, counts)
              : countTiles<1, 1>(slab, weights, pixels, counts);
}

/** Where the window of a pixel starts, counted over the task's rows of `pitch` pixels. */
static const char* windowOfTile(const StepJob& job, const Frame& frame, int64_t pixel) {
  const int64_t top = pixel / job.pitch * job.stride[0];
  const int64_t left = pixel % job.pitch * job.stride[1];
  return frame.scratch + kSpreadBytes + top * job.spread.row + left * job.spread.pixel;
}

/** All pixels of the task, one slab. Meanwhile the weights that come next are on their way. */
static void countSlab(const StepJob& job, const Frame& frame, const Slab& slab, int blocks,
                      const unsigned char* next) {
  const int64_t count = tilePixelsOf(job, frame.rows) / job.tilePixels;
  // Of both blocks, between the pairs of tiles.
  constexpr int kLines = kSlabChunks * kLanes * 8 / 64;
  const int64_t pairs = (count + 1) / 2;
  for (int64_t t = 0, line = 0; t < count; t += 2) {
    for (const int64_t end = kLines * (t / 2 + 1) / pairs; line < end; line++) {
      _mm_prefetch(reinterpret_cast<const char*>(next) + line * 64, _MM_HINT_T0);
      _mm_prefetch(reinterpret_cast<const char*>(next) + job.panelBytes + line * 64, _MM_HINT_T0);
    }
    const char* from[2] = {};
    int32_t* to[2] = {};
    const int tiles = t + 1 < count ? 2 : 1;
    for (int i = 0; i < tiles; i++) {
      from[i] = windowOfTile(job, frame, (t + i) * job.tilePixels);
      to[i] = countsOf(job, frame) + (t + i) * job.tilePixels * kLanes;
    }
    countTilesOf(slab, frame.scratch, tiles, blocks, from, to);
  }
}

/** Bytes from the start of a window: the order is chunkOf's in weights.cpp. */
static int64_t chunkOffset(const StepJob& job, int chunk) {
  const Spread& spread = job.spread;
  if (job.rowLength / job.kernel[1] % 2 == 1)
    return chunk / chunksPerRow(job) * spread.row + chunk % chunksPerRow(job) * 64;
  const int positions = job.kernel[0] * job.kernel[1];
  const int position = chunk % positions;
  return position / job.kernel[1] * spread.row + position % job.kernel[1] * 64 +
         chunk / positions * spread.plane;
}

static void beginBlocks(const StepJob& job, const Frame& frame, int block, int blocks) {
  if (job.kind != StepKind::binaryConv || job.format != PanelFormat::bytes) return;
  const int chunks = chunksOf(job);
  int64_t offsets[kMostChunks];
  for (int chunk = 0; chunk < chunks; chunk++) offsets[chunk] = chunkOffset(job, chunk);
  const int64_t stride = job.stride[1] * job.spread.pixel;
  shapeTiles(job.tilePixels);
  for (int begin = 0; begin < chunks; begin += kSlabChunks) {
    const int end = begin + kSlabChunks < chunks ? begin + kSlabChunks : chunks;
    const Slab slab = {begin, end, offsets, stride, countsPerBlock(job, frame)};
    spreadPanels(job, frame, slab, block, blocks);
    const unsigned char* panel = job.panels + block * job.panelBytes;
    const bool last = end == chunks;
    countSlab(job, frame, slab, blocks, last ? panel + blocks * job.panelBytes : panel + end * kLanes * 8);
  }
  // Nobody else's switches save tiles.
  _tile_release();
}

static int countBlocks(const StepJob& job) {
  return job.format == PanelFormat::bytes ? kSpreadBlocks : kCountBlocks;
}

/** What beginBlocks has counted, where it lies. */
static Counts countSegment(const StepJob& job, const Frame& frame, const Window& window, const Segment& s,
                           const unsigned char* panel, int blocks, int32_t* counts) {
  if (job.format != PanelFormat::bytes) {
    countWords(window, s.n, panel, blocks, counts);
    return {counts, kTileFloats};
  }
  const int64_t pixel = static_cast<int64_t>(s.y - frame.rowBegin) * job.pitch + s.x;
  return {countsOf(job, frame) + pixel * kLanes, countsPerBlock(job, frame)};
}

/** Bits to bytes, 0 or 1: `count` words, of which each two begin `step` words after the last. */
static void spreadWords(const uint32_t* from, int64_t count, int64_t step, char* to) {
  const __m512i ones = _mm512_set1_epi8(1);
  for (; count >= 2; count -= 2, from += step, to += 64) {
    uint64_t mask;
    __builtin_memcpy(&mask, from, 8);
    _mm512_storeu_si512(to, _mm512_maskz_mov_epi8(mask, ones));
  }
  if (count == 1)
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to),
                        _mm256_maskz_mov_epi8(*from, _mm512_castsi512_si256(ones)));
}

/** The rows, with their border, that the task's windows cover. */
static void beginTask(const StepJob& job, const Frame& frame) {
  if (job.kind != StepKind::binaryConv || job.format != PanelFormat::bytes) return;
  const int words = job.input.pixel;
  const int planes = spreadPlanes(words);
  const int64_t count = (int64_t{job.inputWidth} + job.padding[1] + job.end[1]) * words / planes;
  const uint32_t* from = reinterpret_cast<const uint32_t*>(frame.arena + job.input.offset) +
                         (int64_t{frame.rowBegin} * job.stride[0] - job.padding[0]) * job.input.row -
                         static_cast<int64_t>(job.padding[1]) * words;
  char* to = frame.scratch + kSpreadBytes;
  const int rows = spreadRows(job, frame.rows);
  for (int y = 0; y < rows; y++, from += job.input.row, to += job.spread.row) {
    for (int plane = 0; plane < planes; plane++)
      spreadWords(from + plane * 2, count, planes > 1 ? words : 2, to + plane * job.spread.plane);
  }
}
