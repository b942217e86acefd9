// Runs the micro-ops of a step over groups of pixels of a row, the channels of one block. With vectors
// of 512 bits the value at hand stays in registers from the accumulator to what is written, whatever
// the ops are. Shorter ones have registers for few pixels: there it lies in the first-level cache, and
// choosing an op is paid once for up to 28 pixels.

template <typename T>
static inline T* at(const Frame& frame, const Place& place, int y, int x) {
  return reinterpret_cast<T*>(frame.arena + place.offset + frame.part * place.jump) + y * place.row +
         static_cast<int64_t>(x) * place.pixel;
}

/** Elements from channel 0 of a pixel to channel c. */
static inline int64_t channelAt(const Place& place, int c) {
  return (c / kLanes) * place.block + c % kLanes;
}

struct Segment {
  int y, x, n;
  Block block;
};

/** 16 bits from bit `first` on, as many as the value has. */
static inline uint32_t readBits(const uint32_t* words, int first, int lanes, int wordCount) {
  const int word = first >> 5;
  const int shift = first & 31;
  uint64_t both = words[word];
  if (shift + lanes > 32 && word + 1 < wordCount) both |= static_cast<uint64_t>(words[word + 1]) << 32;
  return static_cast<uint32_t>(both >> shift) & ((1u << lanes) - 1);
}

/** Sets bits of cleared words, among others. */
static inline void mergeBits(uint32_t* words, int first, uint32_t mask) {
  const uint64_t both = static_cast<uint64_t>(mask) << (first & 31);
  words[first >> 5] |= static_cast<uint32_t>(both);
  if (both >> 32) words[(first >> 5) + 1] |= static_cast<uint32_t>(both >> 32);
}

/** Bits of a block, from channel `first` of the value on. */
static inline void writeBits(uint32_t* words, int first, int lanes, uint32_t mask) {
  if (lanes == kLanes && first % kLanes == 0)
    reinterpret_cast<uint16_t*>(words)[first / kLanes] = static_cast<uint16_t>(mask);
  else
    mergeBits(words, first, mask & ((1u << lanes) - 1));
}

/** Whether values at hand are in registers: one index of v that is not constant, and they are not. */
constexpr bool kInRegisters = kWidth == 16;
#if ONEBIT_WIDTH == 16
#define ONEBIT_PIXELS _Pragma("GCC unroll 16") for (int t = 0; t < T; t++)
#else
#define ONEBIT_PIXELS for (int t = 0, count = n; t < count; t++)
#endif

/**
 * n pixels of one block, T where in registers, else up to T. Each is a vector of the block's channels:
 * 16 of them where Full, else fewer.
 */
template <int T, bool Full>
struct Group {
  const StepJob& job;
  const Frame& frame;
  const Block& block;
  int y, x, n;
  F16 v[T];

  /** Of pixels i to i + n of a segment. */
  Group(const StepJob& job, const Frame& frame, const Segment& s, int i, int n)
      : job(job), frame(frame), block(s.block), y(s.y), x(s.x + i), n(n) {}

  int pixels() const { return kInRegisters ? T : n; }

  int lanes() const { return Full ? kLanes : block.lanes; }

  /** Lanes that a map has for the block: where it lies in blocks, all. */
  int lanesIn(const Place& place) const { return Full || place.block != kLanes ? kLanes : block.lanes; }

  /** v[t] = use(v[t], element t) for elements `step` floats apart. */
  template <typename Use>
  void with(const float* from, int64_t step, int lanes, Use use) {
    if (Full || lanes == kLanes) {
      ONEBIT_PIXELS v[t] = use(v[t], load(from + t * step));
      return;
    }
    if (step == 0) {
      const F16 same = loadPart(from, lanes);
      return each([&](const F16& x) { return use(x, same); });
    }
    ONEBIT_PIXELS v[t] = use(v[t], loadPart(from + t * step, lanes));
  }

  template <typename Use>
  void withBfloats(const uint16_t* from, int64_t step, int lanes, Use use) {
    if (Full || lanes == kLanes) {
      ONEBIT_PIXELS v[t] = use(v[t], loadBfloats(from + t * step));
      return;
    }
    ONEBIT_PIXELS v[t] = use(v[t], loadBfloatsPart(from + t * step, lanes));
  }

  template <typename Use>
  void withShorts(const int16_t* from, Use use) {
    ONEBIT_PIXELS v[t] = use(v[t], fromShorts(from + t * kLanes));
  }

  /** The block's first channel in a value, which repeats where it has fewer than the step. */
  int firstIn(const Place& place) const {
    return block.first < place.channels ? block.first : block.first % place.channels;
  }

  /** The same for the elements of a value of any kind. */
  template <typename Use>
  void with(const Place& place, Use use) {
    const int64_t first = channelAt(place, firstIn(place));
    if (place.kind == ValueKind::map || place.kind == ValueKind::vector)
      return with(at<const float>(frame, place, y, x) + first, place.pixel, lanesIn(place), use);
    if (place.kind == ValueKind::bfloat16)
      return withBfloats(at<const uint16_t>(frame, place, y, x) + first, place.pixel, lanesIn(place), use);
    if (place.kind == ValueKind::integers) return withShorts(at<const int16_t>(frame, place, y, x) + first, use);
    float signs[T * kLanes];
    readSigns(place, signs);
    with(signs, kLanes, kLanes, use);
  }

  void readSigns(const Place& place, float* signs) const {
    const uint32_t* from = at<const uint32_t>(frame, place, y, x);
    for (int t = 0; t < pixels(); t++) {
      const uint32_t mask = readBits(from + t * place.pixel, firstIn(place), lanes(), place.pixel);
      store(signs + t * kLanes, fromSigns(mask));
    }
  }

  /** The same with the tile or the value that the op names. */
  template <typename Use>
  void withOther(const MicroOp& op, Use use) {
    if (op.tile < 0) return with(op.place, use);
    with(tileAt(op.tile), kLanes, kLanes, use);
  }

  template <typename Op>
  void each(Op op) {
    ONEBIT_PIXELS v[t] = op(v[t]);
  }

  float* tileAt(int tile) const { return frame.tiles + (kMaxBlocks + tile) * kTileFloats; }

  void take(const float* tile) {
    ONEBIT_PIXELS v[t] = load(tile + t * kLanes);
  }

  void keep(float* tile) const {
    ONEBIT_PIXELS store(tile + t * kLanes, v[t]);
  }

  void takeCounts(const int32_t* counts) {
    const int32_t* base = job.base +
                          static_cast<int64_t>(job.rowClass[y]) * job.columnClasses * job.baseStride +
                          block.first;
    const int32_t* columns = job.columnClass + x;
    // Classes change towards the borders only: the same at both ends is the same in between.
    if (columns[0] == columns[pixels() - 1]) {
      const I16 same = loadIntegers(base + static_cast<int64_t>(columns[0]) * job.baseStride);
      ONEBIT_PIXELS v[t] = fromCounts(same, counts + t * kLanes);
      return;
    }
    ONEBIT_PIXELS
      v[t] = fromCounts(loadIntegers(base + static_cast<int64_t>(columns[t]) * job.baseStride),
                        counts + t * kLanes);
  }

  void storeMap(const MicroOp& op) const {
    if (op.place.kind == ValueKind::bfloat16) return storeNarrow(op);
    float* to = at<float>(frame, op.place, y, x) + channelAt(op.place, op.offset + block.first);
    const int64_t step = op.place.pixel;
    const int lanes = lanesIn(op.place);
    ONEBIT_PIXELS storePart(to + t * step, v[t], lanes);
  }

  void storeNarrow(const MicroOp& op) const {
    uint16_t* to = at<uint16_t>(frame, op.place, y, x) + channelAt(op.place, op.offset + block.first);
    const int64_t step = op.place.pixel;
#if defined(ONEBIT_ROUNDS_NORMAL)
    if (Full && allNormal()) {
      ONEBIT_PIXELS storeNormalBfloats(to + t * step, v[t]);
      return;
    }
#endif
    const int lanes = lanesIn(op.place);
    ONEBIT_PIXELS storeBfloatsPart(to + t * step, v[t], lanes);
  }

#if defined(ONEBIT_ROUNDS_NORMAL)
  /** Or 0, infinite or NaN: almost always. */
  bool allNormal() const {
    uint32_t subnormal = 0;
    ONEBIT_PIXELS subnormal |= subnormalMask(v[t]);
    return subnormal == 0;
  }
#endif

  void storeIntegers(const MicroOp& op) const {
    int16_t* to = at<int16_t>(frame, op.place, y, x) + channelAt(op.place, op.offset + block.first);
    ONEBIT_PIXELS storeShorts(to + t * kLanes, v[t]);
  }

  /** 2x2 means, added up in the order of the pool: the first row leaves its half sums in the map. */
  void storeMeans(const MicroOp& op) const {
    int done = 0;
    if (x % 2 == 0) {
      y % 2 == 0 ? storePairs<false>(op) : storePairs<true>(op);
      done = pixels() / 2 * 2;
    }
    if (done < pixels()) storeHalves(op, done);
  }

  /** From pixel t on, of pairs that may lie in two groups. */
  void storeHalves(const MicroOp& op, int t) const {
    float values[T * kLanes];
    keep(values);
    const F16 zero = broadcast(0), quarter = broadcast(0.25f);
    const int64_t channel = channelAt(op.place, op.offset + block.first);
    const int lanes = lanesIn(op.place);
    for (; t < pixels(); t++) {
      const int column = (x + t) / 2;
      float* to = at<float>(frame, op.place, y / 2, column) + channel;
      const bool left = (x + t) % 2 == 0;
      F16 sum = (left && y % 2 == 0 ? zero : loadPart(to, lanes)) + load(values + t * kLanes);
      const bool both = left && t + 1 < pixels();
      if (both) sum = sum + load(values + ++t * kLanes);
      const bool last = y % 2 == 1 && (both || !left);
      storePart(to, last ? sum * quarter : sum, lanes);
    }
  }

  /** Of whole pairs of pixels. */
  template <bool Second>
  void storePairs(const MicroOp& op) const {
    const F16 zero = broadcast(0), quarter = broadcast(0.25f);
    float* to = at<float>(frame, op.place, y / 2, x / 2) + channelAt(op.place, op.offset + block.first);
    const int lanes = lanesIn(op.place);
    ONEBIT_PIXELS {
      if (t % 2 == 0) continue;
      const F16 before = Second ? loadPart(to, lanes) : zero;
      const F16 sum = (before + v[t - 1]) + v[t];
      storePart(to, Second ? sum * quarter : sum, lanes);
      to += op.place.pixel;
    }
  }

  void storeBits(const MicroOp& op) const {
    const F16 threshold = load(op.s + block.first);
    op.orEqual ? putMasks(op, [&](const F16& x) { return maskAbove<true>(x, threshold); })
               : putMasks(op, [&](const F16& x) { return maskAbove<false>(x, threshold); });
  }

  template <typename MaskOf>
  void putMasks(const MicroOp& op, MaskOf maskOf) const {
    const int first = op.offset + block.first;
    uint32_t* words = at<uint32_t>(frame, op.place, y, x);
    const uint32_t mask = (1u << lanes()) - 1;
    // Nobody else writes among 16 bits that are a whole block, or the last of the value.
    if (first % kLanes == 0 && (lanes() == kLanes || first + lanes() == op.place.channels)) {
      uint16_t* to = reinterpret_cast<uint16_t*>(words) + first / kLanes;
      const int64_t step = 2 * static_cast<int64_t>(op.place.pixel);
      ONEBIT_PIXELS to[t * step] = static_cast<uint16_t>(maskOf(v[t]) & mask);
      return;
    }
    const int64_t step = op.place.pixel;
    ONEBIT_PIXELS mergeBits(words + t * step, first, maskOf(v[t]) & mask);
  }

  /** Row sums grow pixel after pixel. */
  void addToSums(const MicroOp& op) const {
    float* sums = reinterpret_cast<float*>(frame.arena + op.sumOffset) +
                  static_cast<int64_t>(y) * op.sumStride + block.first;
    F16 sum = x == 0 ? broadcast(0) : loadPart(sums, lanes());
    ONEBIT_PIXELS sum = sum + v[t];
    storePart(sums, sum, lanes());
  }

  void applySigmoid() {
    float buffer[T * kLanes];
    keep(buffer);
    for (int t = 0; t < pixels(); t++) store(buffer + t * kLanes, sigmoid(load(buffer + t * kLanes)));
    take(buffer);
  }
};

/** Half to even: sums of 2^23 and more have no fractions, and numbers of that size have none. */
static inline F16 wholeOf(const F16& x) {
  const F16 zero = broadcast(0), big = broadcast(8388608.0f), least = broadcast(-8388608.0f);
  const F16 moved = selectGreater(x, zero, big, least);
  const F16 whole = (x + moved) - moved;
  return selectGreater(big, x, selectGreater(x, least, whole, x), x) + zero;
}

static inline F16 hardSigmoidOf(const F16& x) {
  const F16 zero = broadcast(0);
  const F16 six = broadcast(6);
  const F16 y = x + broadcast(3);
  const F16 low = selectGreater(zero, y, zero, y);
  return selectGreater(low, six, six, low) * broadcast(1.0f / 6.0f);
}

/** Pixels i to i + n of a segment. accumulator: [pixel][16] of them, counts or floats. */
template <int T, bool Full>
static void runGroup(const StepJob& job, const Frame& frame, const Segment& s, int i, int n,
                     const float* accumulator) {
  Group<T, Full> g(job, frame, s, i, n);
  const int c = s.block.first;
  for (const MicroOp *op = job.ops, *end = job.ops + job.opCount; op < end; op++) {
    switch (op->code) {
#define ONEBIT_HANDLED(name)
#define ONEBIT_CASE(name, ...) \
  case Code::name: {           \
    __VA_ARGS__;               \
    break;                     \
  }
      ONEBIT_MICRO_OPS(ONEBIT_HANDLED, ONEBIT_CASE)
#undef ONEBIT_CASE
#undef ONEBIT_HANDLED
      case Code::accumulator: g.take(accumulator); break;
      case Code::counts: g.takeCounts(reinterpret_cast<const int32_t*>(accumulator)); break;
      case Code::load: g.with(op->place, [](const F16&, const F16& y) { return y; }); break;
      case Code::take: g.take(g.tileAt(op->tile)); break;
      case Code::keep: g.keep(g.tileAt(op->tile)); break;
      case Code::narrow: g.each(roundedToBfloat); break;
      case Code::mixInto: {
        const F16 amount = load(op->s + c), rest = broadcast(1) - amount;
        g.withOther(*op, [&](const F16& y, const F16& p) { return amount * p + rest * y; });
        break;
      }
      case Code::maxInto:
        g.withOther(*op, [](const F16& q, const F16& r) { return selectGreater(r, q, r, q); });
        break;
      case Code::minInto:
        g.withOther(*op, [](const F16& q, const F16& r) { return selectGreater(q, r, r, q); });
        break;
      case Code::store: g.storeMap(*op); break;
      case Code::storeIntegers: g.storeIntegers(*op); break;
      case Code::mean2x2: g.storeMeans(*op); break;
      case Code::bits: g.storeBits(*op); break;
      case Code::mean: g.addToSums(*op); break;
    }
  }
}

#if ONEBIT_WIDTH == 16
/** Runs groups of T pixels from pixel i of a segment on; returns the first that is left. */
template <int T, bool Full>
static int runGroups(const StepJob& job, const Frame& frame, const Segment& s, const float* accumulator, int i) {
  for (; i + T <= s.n; i += T)
    runGroup<T, Full>(job, frame, s, i, T, accumulator + i * kLanes);
  return i;
}

static void runEpilogue(const StepJob& job, const Frame& frame, const Segment& s, const float* accumulator) {
  if (s.block.lanes < kLanes) {
    runGroups<1, false>(job, frame, s, accumulator, 0);
    return;
  }
  // As many as registers hold besides constants.
  int i = runGroups<14, true>(job, frame, s, accumulator, 0);
  i = runGroups<7, true>(job, frame, s, accumulator, i);
  runGroups<1, true>(job, frame, s, accumulator, i);
}
#else
static void runEpilogue(const StepJob& job, const Frame& frame, const Segment& s, const float* accumulator) {
  const auto run = s.block.lanes == kLanes ? runGroup<kSegment, true> : runGroup<kSegment, false>;
  for (int i = 0; i < s.n; i += kSegment)
    run(job, frame, s, i, s.n - i < kSegment ? s.n - i : kSegment, accumulator + i * kLanes);
}
#endif
