// Accumulators of every step kind, and the loop over rows, blocks of channels and segments that
// hands them to the epilogue while they are in cache.

#if !defined(ONEBIT_BYTES)
static void beginTask(const StepJob&, const Frame&) {}
static void beginBlocks(const StepJob&, const Frame&, int, int) {}

static int countBlocks(const StepJob&) { return kCountBlocks; }

static Counts countSegment(const StepJob&, const Frame&, const Window& window, const Segment& s,
                           const unsigned char* panel, int blocks, int32_t* counts) {
  countWords(window, s.n, panel, blocks, counts);
  return {counts, kTileFloats};
}
#endif

/** Accumulators of a segment, floats or counts: tile of block i at first + i * stride. */
struct Accumulators {
  const float* first;
  int64_t stride;
};

static Window windowOf(const StepJob& job, const Frame& frame, const Segment& s) {
  const Place place = job.repack ? job.packed : job.input;
  const uint32_t* input = reinterpret_cast<const uint32_t*>(frame.arena + place.offset);
  if (job.repack) input += s.block.group * job.packedGroup;
  const int64_t top = static_cast<int64_t>(s.y) * job.stride[0] - job.padding[0];
  const int64_t left = job.unrolled ? s.x : static_cast<int64_t>(s.x) * job.stride[1] - job.padding[1];
  Window window;
  window.start = input + top * place.row + left * place.pixel;
  window.rowStride = place.row * job.dilation[0];
  window.step = static_cast<int64_t>(job.unrolled ? 1 : job.stride[1]) * place.pixel;
  window.rows = job.kernel[0];
  window.rowLength = job.rowLength;
  window.panelBytes = job.panelBytes;
  return window;
}

/**
 * Of 16 channels that each are a group: bits that differ.
 *
 *   for each pixel, each kernel position:  count[lane] += bit `lane` of (16 bits of the input ^ 16 weights)
 *
 * Outside of the map lie zero bits, which the borders' accumulators correct.
 */
template <bool Full>
static void countDepthwise(const StepJob& job, const Frame& frame, const Segment& s, const unsigned char* panel,
                           int32_t* counts) {
  const int top = s.y * job.stride[0] - job.padding[0];
  const int64_t step = static_cast<int64_t>(job.dilation[1]) * job.input.pixel;
  for (int i = 0; i < s.n; i++, counts += kLanes) {
    const int left = (s.x + i) * job.stride[1] - job.padding[1];
    const uint32_t* weight = reinterpret_cast<const uint32_t*>(panel);
    Counters16 sum{};
    for (int ky = 0; ky < job.kernel[0]; ky++) {
      const uint32_t* words = at<const uint32_t>(frame, job.input, top + ky * job.dilation[0], left);
      for (int kx = 0; kx < job.kernel[1]; kx++, weight++, words += step) {
        const uint32_t bits = Full ? reinterpret_cast<const uint16_t*>(words)[s.block.first / kLanes]
                                   : readBits(words, s.block.first, s.block.lanes, job.input.pixel);
        sum = countBits(sum, bits ^ *weight);
      }
    }
    storeCounters(counts, sum);
  }
}

static Accumulators binaryConv(const StepJob& job, const Frame& frame, const Segment& s, int block,
                               int blocks, float* tiles) {
  if (job.groupsTogether == kLanes) {
    const auto count = s.block.lanes == kLanes ? countDepthwise<true> : countDepthwise<false>;
    count(job, frame, s, job.panels + block * job.panelBytes, reinterpret_cast<int32_t*>(tiles));
    return {tiles, kTileFloats};
  }
  const Counts counts = countSegment(job, frame, windowOf(job, frame, s), s,
                                     job.panels + block * job.panelBytes, blocks,
                                     reinterpret_cast<int32_t*>(tiles));
  return {reinterpret_cast<const float*>(counts.first), counts.stride};
}

/**
 * T neighbouring pixels, B blocks of a float convolution of one group: products added in the order
 * ky, kx, channel; the positions of a kernel row lie side by side. STEP: floats between the windows
 * of neighbouring pixels, 0 where only known at run time.
 */
template <int T, int B, int STEP>
static void convTile(const StepJob& job, const float* start, const unsigned char* panel, float* tiles) {
  const int64_t step = STEP ? STEP : static_cast<int64_t>(job.stride[1]) * job.input.pixel;
  V sum[T * B * kParts];
#pragma GCC unroll 64
  for (int i = 0; i < T * B * kParts; i++) sum[i] = V{};
  for (int ky = 0; ky < job.kernel[0]; ky++, start += job.input.row) {
    for (int i = 0; i < job.rowLength; i++, panel += kLanes * 4) {
      V weights[B * kParts];
#pragma GCC unroll 64
      for (int w = 0; w < B * kParts; w++) {
        weights[w] =
            *reinterpret_cast<const VMemory*>(panel + w / kParts * job.panelBytes + w % kParts * kWidth * 4);
      }
#pragma GCC unroll 64
      for (int t = 0; t < T; t++) {
        const V x = start[t * step + i] - V{};
#pragma GCC unroll 64
        for (int w = 0; w < B * kParts; w++)
          sum[t * B * kParts + w] = sum[t * B * kParts + w] + weights[w] * x;
      }
    }
  }
#pragma GCC unroll 64
  for (int t = 0; t < T; t++) {
#pragma GCC unroll 64
    for (int w = 0; w < B * kParts; w++) {
      *reinterpret_cast<VMemory*>(tiles + w / kParts * kTileFloats + t * kLanes + w % kParts * kWidth) =
          sum[t * B * kParts + w];
    }
  }
}

constexpr int kConvPixels = 7;
constexpr int kConvBlocks = kWidth == 16 ? 2 : 1;
constexpr int kGroupPixels = kWidth == 16 ? 7 : 3;

/** T neighbouring pixels of a block of one group of several, or of two: `apart`, the second's input. */
template <int T, bool Two>
static void groupTile(const StepJob& job, const float* start, const float* panel, float* tiles) {
  const int64_t apart = job.positionLength;
  const int64_t step = static_cast<int64_t>(job.stride[1]) * job.input.pixel;
  F16 sum[T];
#pragma GCC unroll 8
  for (int t = 0; t < T; t++) sum[t] = broadcast(0);
  for (int ky = 0; ky < job.kernel[0]; ky++) {
    for (int kx = 0; kx < job.kernel[1]; kx++) {
      const float* from = start + ky * job.input.row + static_cast<int64_t>(kx) * job.input.pixel;
      for (int i = 0; i < job.positionLength; i++, panel += kLanes) {
        const F16 weights = load(panel);
#pragma GCC unroll 8
        for (int t = 0; t < T; t++) {
          const float* x = from + t * step + i;
          sum[t] = sum[t] + weights * (Two ? broadcastPair(x[0], x[apart]) : broadcast(x[0]));
        }
      }
    }
  }
#pragma GCC unroll 8
  for (int t = 0; t < T; t++) store(tiles + t * kLanes, sum[t]);
}

/** T neighbouring pixels of 16 outputs, M for each channel, which is a group. */
template <int T, int M>
static void depthwiseTile(const StepJob& job, const float* start, const float* panel, int lanes, float* tiles) {
  const int64_t step = static_cast<int64_t>(job.stride[1]) * job.input.pixel;
  F16 sum[T];
#pragma GCC unroll 8
  for (int t = 0; t < T; t++) sum[t] = broadcast(0);
  for (int ky = 0; ky < job.kernel[0]; ky++) {
    const float* from = start + ky * job.input.row;
    for (int kx = 0; kx < job.kernel[1]; kx++, panel += kLanes, from += job.input.pixel) {
      const F16 weights = load(panel);
#pragma GCC unroll 8
      for (int t = 0; t < T; t++) sum[t] = sum[t] + weights * loadTimes<M>(from + t * step, lanes);
    }
  }
#pragma GCC unroll 8
  for (int t = 0; t < T; t++) store(tiles + t * kLanes, sum[t]);
}

template <int T>
static void groupedTile(const StepJob& job, const float* start, const Block& block, const float* panel,
                        float* tiles) {
  if (job.groupsTogether == kLanes)
    depthwiseTile<T, 1>(job, start + block.first, panel, block.lanes, tiles);
  else if (job.groupsTogether == kLanes / 2)
    depthwiseTile<T, 2>(job, start + block.first / 2, panel, block.lanes, tiles);
  else if (job.groupsTogether == 2)
    groupTile<T, true>(job, start + block.first / (kLanes / 2) * job.positionLength, panel, tiles);
  else
    groupTile<T, false>(job, start + int64_t{block.group} * job.positionLength, panel, tiles);
}

/** Pixels of one block where there are several groups. */
static void groupedPixels(const StepJob& job, const float* start, int n, const Block& block,
                          const unsigned char* panelBytes, float* tiles) {
  const float* panel = reinterpret_cast<const float*>(panelBytes);
  const int64_t step = static_cast<int64_t>(job.stride[1]) * job.input.pixel;
  int i = 0;
  for (; i + kGroupPixels <= n; i += kGroupPixels)
    groupedTile<kGroupPixels>(job, start + i * step, block, panel, tiles + i * kLanes);
  for (; i < n; i++) groupedTile<1>(job, start + i * step, block, panel, tiles + i * kLanes);
}

template <int B, int STEP>
static void convPixels(const StepJob& job, const float* start, int n, const unsigned char* panel,
                       float* tiles) {
  const int64_t step = static_cast<int64_t>(job.stride[1]) * job.input.pixel;
  int i = 0;
  for (; i + kConvPixels <= n; i += kConvPixels)
    convTile<kConvPixels, B, STEP>(job, start + i * step, panel, tiles + i * kLanes);
  for (; i < n; i++) convTile<1, B, STEP>(job, start + i * step, panel, tiles + i * kLanes);
}

static void conv(const StepJob& job, const Frame& frame, int y, int x0, int n, int block, int blocks,
                 float* tiles) {
  const int64_t step = static_cast<int64_t>(job.stride[1]) * job.input.pixel;
  const float* start = at<const float>(frame, job.input, y * job.stride[0] - job.padding[0],
                                       x0 * job.stride[1] - job.padding[1]);
  const unsigned char* panel = job.panels + block * job.panelBytes;
  if (job.groups > 1) return groupedPixels(job, start, n, job.blocks[block], panel, tiles);
  // Colour images, strides 1 and 2: the usual stems.
  const auto pixels = blocks == 1 ? step == 6   ? convPixels<1, 6>
                                    : step == 3 ? convPixels<1, 3>
                                                : convPixels<1, 0>
                      : step == 6 ? convPixels<kConvBlocks, 6>
                      : step == 3 ? convPixels<kConvBlocks, 3>
                                  : convPixels<kConvBlocks, 0>;
  pixels(job, start, n, panel, tiles);
}

/** B blocks of outputs of a matrix times a vector, products added in the order of the inputs. */
template <int B>
static void linearTile(const StepJob& job, const float* x, const unsigned char* panel, float* tiles) {
  F16 sum[B];
  for (int b = 0; b < B; b++) sum[b] = broadcast(0);
  for (int i = 0; i < job.rowLength; i++, panel += kLanes * 4) {
    const F16 value = broadcast(x[i]);
    for (int b = 0; b < B; b++)
      sum[b] = sum[b] + load(reinterpret_cast<const float*>(panel + b * job.panelBytes)) * value;
  }
  for (int b = 0; b < B; b++) store(tiles + b * kTileFloats, sum[b]);
}

static void linear(const StepJob& job, const Frame& frame, int block, int blocks, float* tiles) {
  const float* x = at<const float>(frame, job.input, 0, 0);
  const unsigned char* panel = job.panels + block * job.panelBytes;
  if (blocks == kMaxBlocks) return linearTile<kMaxBlocks>(job, x, panel, tiles);
  for (int b = 0; b < blocks; b++) linearTile<1>(job, x, panel + b * job.panelBytes, tiles + b * kTileFloats);
}

/** Bits set anywhere in a window are set in its maximum. */
static void poolBits(const StepJob& job, const Frame& frame, int y, int x0, int n, const Block& block,
                     float* tile) {
  const int top = y * job.stride[0] - job.padding[0];
  for (int i = 0; i < n; i++) {
    const int left = (x0 + i) * job.stride[1] - job.padding[1];
    uint32_t mask = 0;
    for (int iy = top < 0 ? 0 : top; iy < top + job.kernel[0] && iy < job.inputHeight; iy++) {
      for (int ix = left < 0 ? 0 : left; ix < left + job.kernel[1] && ix < job.inputWidth; ix++)
        mask |= readBits(at<const uint32_t>(frame, job.input, iy, ix), block.first, block.lanes, job.input.pixel);
    }
    store(tile + i * kLanes, fromSigns(mask));
  }
}

/** Every `step`-th place from `first` on follows the one before. */
static bool follow(const int64_t* places, int first, int step, int lanes) {
  for (int lane = first + step; lane < lanes; lane += step) {
    if (places[lane] != places[lane - step] + 1) return false;
  }
  return true;
}

/** 8 bits to the even places of 16. */
static inline uint32_t spreadBits(uint32_t x) {
  x = (x | x << 4) & 0x0f0f;
  x = (x | x << 2) & 0x3333;
  return (x | x << 1) & 0x5555;
}

/** 16 bits in another order: mostly neighbours, or dealt out from two groups. Calls put(pixel, bits). */
template <typename Put>
static inline void shuffleBits(const StepJob& job, const Frame& frame, const Segment& s, Put put) {
  const int64_t* places = job.places + s.block.first;
  const int lanes = s.block.lanes, words = job.input.pixel;
  // A value that counts as one pixel may go on in the next.
  const auto inPixel = [&](int lane) { return places[lane] < int64_t{32} * words; };
  const bool run = follow(places, 0, 1, lanes) && inPixel(lanes - 1);
  const bool pairs = lanes == kLanes && follow(places, 0, 2, lanes) && follow(places, 1, 2, lanes) &&
                     inPixel(lanes - 2) && inPixel(lanes - 1);
  for (int i = 0; i < s.n; i++) {
    const uint32_t* from = at<const uint32_t>(frame, job.input, s.y, s.x + i);
    const auto bits = [&](int lane, int count) {
      return readBits(from, static_cast<int>(places[lane]), count, words);
    };
    uint32_t mask = 0;
    if (run) {
      mask = bits(0, lanes);
    } else if (pairs) {
      mask = spreadBits(bits(0, kLanes / 2)) | spreadBits(bits(1, kLanes / 2)) << 1;
    } else {
      for (int lane = 0; lane < lanes; lane++) mask |= (from[places[lane] >> 5] >> (places[lane] & 31) & 1) << lane;
    }
    put(i, mask);
  }
}

/** Straight from bits to bits. */
static void copyBits(const StepJob& job, const Frame& frame, const Segment& s) {
  shuffleBits(job, frame, s, [&](int i, uint32_t mask) {
    for (int op = 1; op < job.opCount; op++) {
      const MicroOp& write = job.ops[op];
      writeBits(at<uint32_t>(frame, write.place, s.y, s.x + i), write.offset + s.block.first, s.block.lanes, mask);
    }
  });
}

/** 16 channels in another order: mostly neighbours, or zeros. */
static void shuffle(const StepJob& job, const Frame& frame, const Segment& s, float* tile) {
  if (job.input.kind == ValueKind::bits)
    return shuffleBits(job, frame, s, [&](int i, uint32_t mask) { store(tile + i * kLanes, fromSigns(mask)); });
  const int64_t* places = job.places + s.block.first;
  const int lanes = s.block.lanes;
  bool zeros = true;
  for (int lane = 0; lane < lanes; lane++) zeros = zeros && places[lane] < 0;
  const bool run = places[0] >= 0 && follow(places, 0, 1, lanes);
  for (int i = 0; i < s.n; i++, tile += kLanes) {
    const float* from = at<const float>(frame, job.input, s.y, s.x + i);
    if (zeros) {
      store(tile, broadcast(0));
    } else if (run) {
      store(tile, loadPart(from + places[0], lanes));
    } else {
      for (int lane = 0; lane < lanes; lane++) tile[lane] = places[lane] < 0 ? 0 : from[places[lane]];
      for (int lane = lanes; lane < kLanes; lane++) tile[lane] = 0;
    }
  }
}

/** Window maximum or mean; positions outside the map are skipped. */
static void pool(const StepJob& job, const Frame& frame, int y, int x0, int n, const Block& block,
                 float* tile) {
  if (job.input.kind == ValueKind::bits) return poolBits(job, frame, y, x0, n, block, tile);
  const int top = y * job.stride[0] - job.padding[0];
  const F16 area = broadcast(static_cast<float>(int64_t{job.kernel[0]} * job.kernel[1]));
  const F16 start = broadcast(job.average ? 0.0f : -__builtin_inff());
  const int yBegin = top < 0 ? 0 : top;
  const int yEnd = top + job.kernel[0] < job.inputHeight ? top + job.kernel[0] : job.inputHeight;
  for (int i = 0; i < n; i++) {
    const int left = (x0 + i) * job.stride[1] - job.padding[1];
    const int xBegin = left < 0 ? 0 : left;
    const int xEnd = left + job.kernel[1] < job.inputWidth ? left + job.kernel[1] : job.inputWidth;
    F16 sum = start;
    for (int iy = yBegin; iy < yEnd; iy++) {
      const float* from = at<const float>(frame, job.input, iy, 0) + channelAt(job.input, block.first);
      for (int ix = xBegin; ix < xEnd; ix++) {
        const F16 value = loadPart(from + static_cast<int64_t>(ix) * job.input.pixel, block.lanes);
        sum = job.average ? sum + value : selectGreater(value, sum, value, sum);
      }
    }
    store(tile + i * kLanes, job.average ? sum / area : sum);
  }
}

/** Half to even, for 0 <= x < 2^22. */
static inline F16 rounded(const F16& x) {
  const F16 big = broadcast(8388608.0f);
  return (x + big) - big;
}

static void quantise(const StepJob& job, const Frame& frame, const Segment& s, float* tile) {
  const float* from = at<const float>(frame, job.input, s.y, s.x) + s.block.first;
  const float* lows = reinterpret_cast<const float*>(frame.arena + job.ranges) + s.block.first;
  const F16 low = loadPart(lows, s.block.lanes), range = loadPart(lows + job.rangeStride, s.block.lanes);
  const F16 clip = broadcast(job.clip), least = broadcast(-job.clip), levels = broadcast(job.levels);
  for (int i = 0; i < s.n; i++) {
    const F16 x = loadPart(from + static_cast<int64_t>(i) * job.input.pixel, s.block.lanes);
    const F16 capped = selectGreater(clip, x, x, clip);
    const F16 clipped = selectGreater(capped, least, capped, least);
    const F16 code = rounded(((clipped - low) / range) * levels);
    store(tile + i * kLanes, (code / levels) * range + low);
  }
}

static Accumulators accumulate(const StepJob& job, const Frame& frame, const Segment& s, int block,
                               int blocks, float* tiles) {
  switch (job.kind) {
    case StepKind::binaryConv: return binaryConv(job, frame, s, block, blocks, tiles);
    case StepKind::conv: conv(job, frame, s.y, s.x, s.n, block, blocks, tiles); break;
    case StepKind::linear: linear(job, frame, block, blocks, tiles); break;
    case StepKind::pool: pool(job, frame, s.y, s.x, s.n, s.block, tiles); break;
    case StepKind::quantise: quantise(job, frame, s, tiles); break;
    case StepKind::shuffle: shuffle(job, frame, s, tiles); break;
    // Read by the first micro-op.
    case StepKind::pointwise: break;
  }
  return {tiles, kTileFloats};
}

/** Blocks from `block` on that one call of a kernel may take: of one group, side by side. */
static int blocksTogether(const StepJob& job, int block, int end) {
  const int most = job.groupsTogether == kLanes                    ? 1
                   : job.kind == StepKind::binaryConv              ? countBlocks(job)
                   : job.kind == StepKind::conv && job.groups == 1 ? kConvBlocks
                   : job.kind == StepKind::linear                  ? kMaxBlocks
                                                                   : 1;
  int count = 1;
  while (count < most && block + count < end && job.blocks[block + count].group == job.blocks[block].group)
    count++;
  return count;
}

static inline void runSegment(const StepJob& job, const Frame& frame, const Segment& s, int block,
                              int blocks) {
  if (job.copies) return copyBits(job, frame, s);
  const Accumulators accumulators = accumulate(job, frame, s, block, blocks, frame.tiles);
  for (int b = 0; b < blocks; b++) {
    const Segment own = {s.y, s.x, s.n, job.blocks[block + b]};
    runEpilogue(job, frame, own, accumulators.first + b * accumulators.stride);
  }
}

/** Calls run(first pixel, pixels) for the segments of a row; without an accumulator there is but one. */
template <typename Run>
static inline void eachSegment(const StepJob& job, Run run) {
  const int width = job.width;
  const int segments = job.kind == StepKind::pointwise ? 1 : divideUp(width, kSegment);
  for (int segment = 0, x = 0; segment < segments; segment++) {
    const int n = divideUp(width - x, segments - segment);
    run(x, n);
    x += n;
  }
}

/** Steps with weights: those of a block stay in the first-level cache for all rows of the task. */
static void runByBlock(const StepJob& job, const Frame& frame, const Task& task) {
  beginTask(job, frame);
  for (int block = task.blockBegin, blocks = 0; block < task.blockEnd; block += blocks) {
    blocks = blocksTogether(job, block, task.blockEnd);
    beginBlocks(job, frame, block, blocks);
    for (int y = task.rowBegin; y < task.rowEnd; y++) {
      eachSegment(job, [&](int x, int n) {
        runSegment(job, frame, {y, x, n, job.blocks[block]}, block, blocks);
      });
    }
  }
}

/**
 * Others: memory in the order in which it lies. Threads that share out the blocks begin at different
 * rows: bits of all blocks lie in one line of the cache, which two cores must not write at a time.
 */
static void runByRow(const StepJob& job, const Frame& frame, const Task& task) {
  // Even: the rows of a 2x2 mean follow each other.
  const int first = static_cast<int>(int64_t{task.part} * frame.rows / job.parts / 2 * 2);
  for (int i = 0; i < frame.rows; i++) {
    const int y = task.rowBegin + (first + i) % frame.rows;
    eachSegment(job, [&](int x, int n) {
      for (int block = task.blockBegin; block < task.blockEnd; block++)
        runSegment(job, frame, {y, x, n, job.blocks[block]}, block, 1);
    });
  }
}

static void runTask(const StepJob& job, const Frame& given, const Task& task) {
  Frame frame = given;
  frame.part = task.part;
  frame.rowBegin = task.rowBegin;
  frame.rows = task.rowEnd - task.rowBegin;
  const bool weights =
      job.kind == StepKind::binaryConv || job.kind == StepKind::conv || job.kind == StepKind::linear;
  if (weights) return runByBlock(job, frame, task);
  runByRow(job, frame, task);
}

/** Row sums added in float64, divided once. */
static void finishMean(const Mean& mean, char* arena) {
  const double pixels = static_cast<double>(mean.height) * mean.width;
  float* to = reinterpret_cast<float*>(arena + mean.vector.offset) + mean.offset;
  for (int c = 0; c < mean.channels; c += kLanes) {
    const float* row = reinterpret_cast<const float*>(arena + mean.sums) + c;
    D sums[kParts] = {};
    for (int y = 0; y < mean.height; y++, row += mean.sumStride) {
      const F16 x = load(row);
      ONEBIT_EACH sums[i] = sums[i] + __builtin_convertvector(x.v[i], D);
    }
    F16 means;
    ONEBIT_EACH means.v[i] = __builtin_convertvector(sums[i] / pixels, V);
    storePart(to + c, means, mean.channels - c < kLanes ? mean.channels - c : kLanes);
  }
}
