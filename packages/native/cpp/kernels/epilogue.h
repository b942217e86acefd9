// Runs the micro-ops of a step over a tile: n pixels of row y from x0 on, the channels of one block.
// Each micro-op is one short loop over tiles that stay in the first-level cache.

template <typename T>
static inline T* at(const Frame& frame, const Place& place, int y, int x) {
  return reinterpret_cast<T*>(frame.arena + place.offset) + y * place.row +
         static_cast<int64_t>(x) * place.pixel;
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

/** Sets bits of cleared words: a whole half word, or among others. */
static inline void writeBits(uint32_t* words, int first, uint32_t mask, bool whole) {
  if (whole) {
    reinterpret_cast<uint16_t*>(words)[first >> 4] = static_cast<uint16_t>(mask);
    return;
  }
  const uint64_t both = static_cast<uint64_t>(mask) << (first & 31);
  words[first >> 5] |= static_cast<uint32_t>(both);
  if (both >> 32) words[(first >> 5) + 1] |= static_cast<uint32_t>(both >> 32);
}

static inline void loadTile(const Place& place, const Frame& frame, const Segment& s, float* dst) {
  const int c = s.block.first;
  const int lanes = s.block.lanes;
  if (place.kind == ValueKind::bits) {
    const uint32_t* from = at<const uint32_t>(frame, place, s.y, s.x);
    for (int i = 0; i < s.n; i++)
      store(dst + i * kLanes, fromSigns(readBits(from + i * place.pixel, c, lanes, place.pixel)));
    return;
  }
  const float* from = at<const float>(frame, place, s.y, s.x) + c;
  for (int i = 0; i < s.n; i++)
    store(dst + i * kLanes, loadPart(from + static_cast<int64_t>(i) * place.pixel, lanes));
}

/** One pass over a register for all that is written of it. Sums grow pixel after pixel. */
template <bool Stores, int Bits, bool Sums>
static void sinkTile(const Sink& sink, const Frame& frame, const Segment& s, const float* a) {
  const int c = s.block.first;
  const int lanes = s.block.lanes;
  float* to = Stores ? at<float>(frame, sink.map, s.y, s.x) + sink.mapOffset + c : nullptr;
  float* sums =
      reinterpret_cast<float*>(frame.arena + sink.sumOffset) + static_cast<int64_t>(s.y) * sink.sumStride + c;
  F16 sum = !Sums || s.x == 0 ? broadcast(0) : loadPart(sums, lanes);
  uint32_t* words[kMostBitSinks];
  F16 threshold[kMostBitSinks];
  bool whole[kMostBitSinks];
  for (int b = 0; b < Bits; b++) {
    words[b] = at<uint32_t>(frame, sink.bits[b].place, s.y, s.x);
    threshold[b] = load(sink.bits[b].threshold + c);
    whole[b] = lanes == kLanes && ((sink.bits[b].offset + c) & 15) == 0;
  }
  for (int i = 0; i < s.n; i++) {
    const F16 x = load(a + i * kLanes);
    if constexpr (Stores) storePart(to + static_cast<int64_t>(i) * sink.map.pixel, x, lanes);
    if constexpr (Sums) sum = sum + x;
    for (int b = 0; b < Bits; b++) {
      const uint32_t mask = maskAbove(x, threshold[b], sink.bits[b].orEqual) & ((1u << lanes) - 1);
      writeBits(words[b] + static_cast<int64_t>(i) * sink.bits[b].place.pixel, sink.bits[b].offset + c, mask,
                whole[b]);
    }
  }
  if constexpr (Sums) storePart(sums, sum, lanes);
}

template <bool Stores, bool Sums>
static inline void sinkBits(const Sink& sink, const Frame& frame, const Segment& s, const float* a) {
  if (sink.bitCount == 2) return sinkTile<Stores, 2, Sums>(sink, frame, s, a);
  if (sink.bitCount == 1) return sinkTile<Stores, 1, Sums>(sink, frame, s, a);
  sinkTile<Stores, 0, Sums>(sink, frame, s, a);
}

/** 2x2 means, added up in the order of the pool: the first row leaves its half sums in the map. */
static void poolTile(const Sink& sink, const Frame& frame, const Segment& s, const float* a) {
  if (s.y / 2 >= sink.rows) return;
  const int lanes = s.block.lanes;
  const F16 quarter = broadcast(0.25f);
  for (int i = 0; i < s.n; i++) {
    const int x = s.x + i;
    if (x / 2 >= sink.columns) return;
    float* to = at<float>(frame, sink.map, s.y / 2, x / 2) + sink.mapOffset + s.block.first;
    const bool first = s.y % 2 == 0 && x % 2 == 0;
    F16 sum = (first ? broadcast(0) : loadPart(to, lanes)) + load(a + i * kLanes);
    if (x % 2 == 0 && i + 1 < s.n) sum = sum + load(a + ++i * kLanes);
    const bool last = s.y % 2 == 1 && (s.x + i) % 2 == 1;
    storePart(to, last ? sum * quarter : sum, lanes);
  }
}

static inline void sink(const Sink& sink, const Frame& frame, const Segment& s, const float* a) {
  if (sink.pooled) return poolTile(sink, frame, s, a);
  if (sink.stores)
    return sink.sums ? sinkBits<true, true>(sink, frame, s, a) : sinkBits<true, false>(sink, frame, s, a);
  return sink.sums ? sinkBits<false, true>(sink, frame, s, a) : sinkBits<false, false>(sink, frame, s, a);
}

/** dst = x * gate [* other] * scale + shift [+ other], each operation rounded once, in that order. */
template <bool Multiplies, bool Adds>
static void gateTile(const MicroOp& op, const Frame& frame, const Segment& s, const Place& input, float* dst,
                     const float* a) {
  const int c = s.block.first;
  const int lanes = s.block.lanes;
  const Gate& gate = op.gate;
  const F16 factor = loadPart(at<const float>(frame, gate.vector, 0, 0) + c, lanes);
  const F16 scale = load(op.s + c), shift = load(op.t + c);
  const float* x = gate.fromInput ? at<const float>(frame, input, s.y, s.x) + c : a;
  const int64_t step = gate.fromInput ? input.pixel : kLanes;
  const int from = gate.fromInput ? lanes : kLanes;
  const float* other = Multiplies || Adds ? at<const float>(frame, gate.other, s.y, s.x) + c : nullptr;
  for (int i = 0; i < s.n; i++) {
    F16 y = loadPart(x + i * step, from) * factor;
    F16 z = broadcast(0);
    if constexpr (Multiplies || Adds) z = loadPart(other + static_cast<int64_t>(i) * gate.other.pixel, lanes);
    if constexpr (Multiplies) y = y * z;
    y = y * scale + shift;
    if constexpr (Adds) y = y + z;
    store(dst + i * kLanes, y);
  }
}

static inline void gateTile(const MicroOp& op, const Frame& frame, const Segment& s, const Place& input,
                            float* dst, const float* a) {
  const auto tile = op.gate.multiplies ? op.gate.adds ? gateTile<true, true> : gateTile<true, false>
                    : op.gate.adds ? gateTile<false, true>
                                       : gateTile<false, false>;
  tile(op, frame, s, input, dst, a);
}

template <typename Op>
static inline void each(int n, float* dst, const float* a, Op op) {
  for (int i = 0; i < n; i++) store(dst + i * kLanes, op(load(a + i * kLanes)));
}

template <typename Op>
static inline void each(int n, float* dst, const float* a, const float* b, Op op) {
  for (int i = 0; i < n; i++) store(dst + i * kLanes, op(load(a + i * kLanes), load(b + i * kLanes)));
}

static inline F16 preluOf(const F16& x, const F16& slope) {
  return selectGreater(x, broadcast(0), x, x * slope);
}

static inline F16 hardSigmoidOf(const F16& x) {
  const F16 zero = broadcast(0);
  const F16 six = broadcast(6);
  const F16 y = x + broadcast(3);
  const F16 low = selectGreater(zero, y, zero, y);
  return selectGreater(low, six, six, low) * broadcast(1.0f / 6.0f);
}

/** The counts lie in the accumulator's tile. */
static void countsAffinePrelu(const StepJob& job, const MicroOp& op, const Segment& s, float* dst,
                              const float* a) {
  const int c = s.block.first;
  const F16 scale = load(op.s + c), shift = load(op.t + c), slope = load(op.u + c);
  const int32_t* base =
      job.base + static_cast<int64_t>(job.rowClass[s.y]) * job.columnClasses * job.baseStride + c;
  const int32_t* columns = job.columnClass + s.x;
  for (int i = 0; i < s.n; i++) {
    const F16 x = fromCounts(base + static_cast<int64_t>(columns[i]) * job.baseStride,
                             reinterpret_cast<const int32_t*>(a) + i * kLanes);
    store(dst + i * kLanes, preluOf(x * scale + shift, slope));
  }
}

static void runMicroOp(const StepJob& job, const MicroOp& op, const Frame& frame, const Segment& s,
                       float* dst, const float* a, const float* b) {
  const int c = s.block.first;
  const int n = s.n;
  const F16 zero = broadcast(0);
  switch (op.code) {
    case Code::load: return loadTile(op.place, frame, s, dst);
    case Code::sink: return sink(op.sink, frame, s, a);
    case Code::gate: return gateTile(op, frame, s, job.input, dst, a);
    case Code::countsAffinePrelu: return countsAffinePrelu(job, op, s, dst, a);
    case Code::affine: {
      const F16 scale = load(op.s + c), shift = load(op.t + c);
      return each(n, dst, a, [&](const F16& x) { return x * scale + shift; });
    }
    case Code::shift: {
      const F16 shift = load(op.t + c);
      return each(n, dst, a, [&](const F16& x) { return x + shift; });
    }
    case Code::scale: {
      const F16 scale = load(op.s + c);
      return each(n, dst, a, [&](const F16& x) { return x * scale; });
    }
    case Code::prelu: {
      const F16 slope = load(op.s + c);
      return each(n, dst, a, [&](const F16& x) { return preluOf(x, slope); });
    }
    case Code::relu: return each(n, dst, a, [&](const F16& x) { return selectGreater(x, zero, x, zero); });
    case Code::sigmoid: return each(n, dst, a, [&](const F16& x) { return sigmoid(x); });
    case Code::hardSigmoid: return each(n, dst, a, [&](const F16& x) { return hardSigmoidOf(x); });
    case Code::clamp: {
      const F16 low = broadcast(op.low), high = broadcast(op.high);
      return each(n, dst, a, [&](const F16& x) {
        const F16 capped = selectGreater(x, high, high, x);
        return selectGreater(low, x, low, capped);
      });
    }
    case Code::add: return each(n, dst, a, b, [](const F16& x, const F16& y) { return x + y; });
    case Code::mul: return each(n, dst, a, b, [](const F16& x, const F16& y) { return x * y; });
    case Code::mix: {
      const F16 amount = load(op.s + c);
      const F16 rest = broadcast(1) - amount;
      return each(n, dst, a, b, [&](const F16& p, const F16& y) { return amount * p + rest * y; });
    }
    case Code::affinePrelu: {
      const F16 scale = load(op.s + c), shift = load(op.t + c), slope = load(op.u + c);
      return each(n, dst, a, [&](const F16& x) { return preluOf(x * scale + shift, slope); });
    }
    default: return;
  }
}

/** tiles: the accumulator is tile 0, the others follow `rest`. */
static void runEpilogue(const StepJob& job, const Frame& frame, const Segment& s, float* accumulator,
                        float* rest) {
  const auto tile = [&](int index) { return index == 0 ? accumulator : rest + (index - 1) * kTileFloats; };
  for (int i = 0; i < job.opCount; i++) {
    const MicroOp& op = job.ops[i];
    runMicroOp(job, op, frame, s, tile(op.dst), tile(op.a), tile(op.b));
  }
}
