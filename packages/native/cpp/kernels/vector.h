// Sixteen floats as native vectors of the instruction set in force. Included inside a namespace of
// its own by each kernel file. Every operation rounds once: compile with -ffp-contract=off.
#if defined(__AVX512F__)
#define ONEBIT_WIDTH 16
#elif defined(__AVX2__)
#define ONEBIT_WIDTH 8
#else
#define ONEBIT_WIDTH 4
#endif

constexpr int kWidth = ONEBIT_WIDTH;
constexpr int kParts = kLanes / kWidth;

typedef float V __attribute__((vector_size(4 * ONEBIT_WIDTH)));
typedef float VMemory __attribute__((vector_size(4 * ONEBIT_WIDTH), aligned(4), may_alias));
typedef int32_t I __attribute__((vector_size(4 * ONEBIT_WIDTH)));
typedef int32_t IMemory __attribute__((vector_size(4 * ONEBIT_WIDTH), aligned(4), may_alias));
typedef int16_t S __attribute__((vector_size(2 * ONEBIT_WIDTH)));
typedef int16_t SMemory __attribute__((vector_size(2 * ONEBIT_WIDTH), aligned(2), may_alias));

typedef uint16_t H __attribute__((vector_size(2 * ONEBIT_WIDTH)));
typedef uint16_t HMemory __attribute__((vector_size(2 * ONEBIT_WIDTH), aligned(2), may_alias));
typedef uint32_t U __attribute__((vector_size(4 * ONEBIT_WIDTH)));

typedef double D __attribute__((vector_size(8 * ONEBIT_WIDTH)));

struct F16 {
  V v[kParts];
};

struct I16 {
  I v[kParts];
};

#define ONEBIT_EACH for (int i = 0; i < kParts; i++)

static inline F16 load(const float* p) {
  F16 r;
  ONEBIT_EACH r.v[i] = *reinterpret_cast<const VMemory*>(p + i * kWidth);
  return r;
}

static inline void store(float* p, const F16& x) {
  ONEBIT_EACH* reinterpret_cast<VMemory*>(p + i * kWidth) = x.v[i];
}

/** The first `lanes` floats, then zeros; reads no others. */
static inline F16 loadPart(const float* p, int lanes) {
  if (lanes == kLanes) return load(p);
  float buffer[kLanes] = {};
  for (int i = 0; i < lanes; i++) buffer[i] = p[i];
  return load(buffer);
}

/** Each number M times, `lanes` in all, then zeros. */
template <int M>
static inline F16 loadTimes(const float* p, int lanes) {
  if (M == 1) return loadPart(p, lanes);
  float buffer[kLanes] = {};
  if (lanes == kLanes) {
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; i++) buffer[i] = p[i / M];
  } else {
    for (int i = 0; i < lanes; i++) buffer[i] = p[i / M];
  }
  return load(buffer);
}

static inline void storePart(float* p, const F16& x, int lanes) {
  if (lanes == kLanes) return store(p, x);
  float buffer[kLanes];
  store(buffer, x);
  for (int i = 0; i < lanes; i++) p[i] = buffer[i];
}

static inline F16 broadcast(float x) {
  F16 r;
  ONEBIT_EACH r.v[i] = x - V{};
  return r;
}

/** x in the lower half of the lanes, y in the upper. */
static inline F16 broadcastPair(float x, float y) {
  F16 r;
  ONEBIT_EACH r.v[i] = (i * kWidth < kLanes / 2 ? x : y) - V{};
  if (kParts > 1) return r;
  I lower;
  for (int lane = 0; lane < kWidth; lane++) lower[lane] = lane < kLanes / 2 ? -1 : 0;
  r.v[0] = lower ? r.v[0] : y - V{};
  return r;
}

static inline F16 operator+(const F16& a, const F16& b) {
  F16 r;
  ONEBIT_EACH r.v[i] = a.v[i] + b.v[i];
  return r;
}

static inline F16 operator-(const F16& a, const F16& b) {
  F16 r;
  ONEBIT_EACH r.v[i] = a.v[i] - b.v[i];
  return r;
}

static inline F16 operator*(const F16& a, const F16& b) {
  F16 r;
  ONEBIT_EACH r.v[i] = a.v[i] * b.v[i];
  return r;
}

static inline F16 operator/(const F16& a, const F16& b) {
  F16 r;
  ONEBIT_EACH r.v[i] = a.v[i] / b.v[i];
  return r;
}

/** x > y ? a : b */
static inline F16 selectGreater(const F16& x, const F16& y, const F16& a, const F16& b) {
  F16 r;
  ONEBIT_EACH r.v[i] = x.v[i] > y.v[i] ? a.v[i] : b.v[i];
  return r;
}

static inline I16 loadIntegers(const int32_t* p) {
  I16 r;
  ONEBIT_EACH r.v[i] = *reinterpret_cast<const IMemory*>(p + i * kWidth);
  return r;
}

/**
 * Between 16 and 32 bits; what is built in splits 16 lanes into halves. By value: a reference would
 * forget that memory is aligned to less.
 */
static inline U widened(H x) {
#if defined(__AVX512F__)
  return reinterpret_cast<U>(_mm512_cvtepu16_epi32(reinterpret_cast<__m256i>(x)));
#else
  return __builtin_convertvector(x, U);
#endif
}

static inline I widened(S x) {
#if defined(__AVX512F__)
  return reinterpret_cast<I>(_mm512_cvtepi16_epi32(reinterpret_cast<__m256i>(x)));
#else
  return __builtin_convertvector(x, I);
#endif
}

static inline H narrowed(U x) {
#if defined(__AVX512F__)
  return reinterpret_cast<H>(_mm512_cvtepi32_epi16(reinterpret_cast<__m512i>(x)));
#else
  return __builtin_convertvector(x, H);
#endif
}

static inline F16 fromShorts(const int16_t* p) {
  F16 r;
  ONEBIT_EACH r.v[i] =
      __builtin_convertvector(widened(*reinterpret_cast<const SMemory*>(p + i * kWidth)), V);
  return r;
}

/** Of numbers that are 16-bit integers. */
static inline void storeShorts(int16_t* p, const F16& x) {
  ONEBIT_EACH {
    const U integers = reinterpret_cast<U>(__builtin_convertvector(x.v[i], I));
    *reinterpret_cast<HMemory*>(p + i * kWidth) = narrowed(integers);
  }
}

static inline F16 loadBfloats(const uint16_t* p) {
  F16 r;
  ONEBIT_EACH r.v[i] = reinterpret_cast<V>(widened(*reinterpret_cast<const HMemory*>(p + i * kWidth)) << 16);
  return r;
}

/** To nearest, ties to even: program/bfloat16.ts. The upper halves count. */
static inline U roundedBits(V x) {
  const U bits = reinterpret_cast<U>(x);
  return bits + ((bits >> 16) & 1) + 0x7fff;
}

static inline F16 roundedToBfloat(const F16& x) {
  F16 r;
  ONEBIT_EACH r.v[i] = reinterpret_cast<V>(roundedBits(x.v[i]) & 0xffff0000);
  return r;
}

static inline void storeBfloats(uint16_t* p, const F16& x) {
  ONEBIT_EACH* reinterpret_cast<HMemory*>(p + i * kWidth) = narrowed(roundedBits(x.v[i]) >> 16);
}

#if defined(__AVX512BF16__)
#define ONEBIT_ROUNDS_NORMAL 1
/** Not 0 where a number is subnormal: those the instruction below takes for zeros. */
static inline uint32_t subnormalMask(const F16& x) {
  return _mm512_fpclass_ps_mask(reinterpret_cast<__m512>(x.v[0]), 0x20);
}

/** The same as storeBfloats in a third of the instructions, where none is subnormal. */
static inline void storeNormalBfloats(uint16_t* p, const F16& x) {
  const __m256bh rounded = _mm512_cvtneps_pbh(reinterpret_cast<__m512>(x.v[0]));
  *reinterpret_cast<HMemory*>(p) = reinterpret_cast<HMemory>(rounded);
}
#endif

/** The first `lanes` of them, then zeros; reads no others. */
static inline F16 loadBfloatsPart(const uint16_t* p, int lanes) {
  if (lanes == kLanes) return loadBfloats(p);
  uint16_t buffer[kLanes] = {};
  for (int i = 0; i < lanes; i++) buffer[i] = p[i];
  return loadBfloats(buffer);
}

static inline void storeBfloatsPart(uint16_t* p, const F16& x, int lanes) {
  if (lanes == kLanes) return storeBfloats(p, x);
  uint16_t buffer[kLanes];
  storeBfloats(buffer, x);
  for (int i = 0; i < lanes; i++) p[i] = buffer[i];
}

/** base - 2 * count, as floats. */
static inline F16 fromCounts(const I16& base, const int32_t* counts) {
  F16 r;
  ONEBIT_EACH {
    const I c = *reinterpret_cast<const IMemory*>(counts + i * kWidth);
    r.v[i] = __builtin_convertvector(base.v[i] - c - c, V);
  }
  return r;
}

/** Bit i says whether a > b (or a >= b) in lane i; never where one is NaN. */
template <bool OrEqual>
static inline uint32_t maskAbove(const F16& a, const F16& b) {
#if defined(__AVX512F__)
  const __m512 x = reinterpret_cast<__m512>(a.v[0]);
  const __m512 y = reinterpret_cast<__m512>(b.v[0]);
  return OrEqual ? _mm512_cmp_ps_mask(x, y, _CMP_GE_OQ) : _mm512_cmp_ps_mask(x, y, _CMP_GT_OQ);
#else
  uint32_t mask = 0;
  ONEBIT_EACH {
    const I above = OrEqual ? a.v[i] >= b.v[i] : a.v[i] > b.v[i];
#if defined(__AVX2__)
    mask |= static_cast<uint32_t>(_mm256_movemask_ps(reinterpret_cast<__m256>(above))) << (i * kWidth);
#elif defined(__SSE2__)
    mask |= static_cast<uint32_t>(_mm_movemask_ps(reinterpret_cast<__m128>(above))) << (i * kWidth);
#elif defined(__aarch64__)
    const I weights = {1, 2, 4, 8};
    mask |= vaddvq_u32(reinterpret_cast<uint32x4_t>(above & weights)) << (i * kWidth);
#else
    for (int lane = 0; lane < kWidth; lane++) mask |= (above[lane] ? 1u : 0u) << (i * kWidth + lane);
#endif
  }
  return mask;
#endif
}

/** Lane by lane: what is not 0 where the bit is set; of part i of the lanes. */
static inline I bitsOfLanes(uint32_t mask, int i) {
  I lanes;
  for (int lane = 0; lane < kWidth; lane++) lanes[lane] = 1 << lane;
  return (static_cast<int32_t>(mask >> (i * kWidth)) - I{}) & lanes;
}

/** Sixteen counts of up to 65,535. */
typedef uint16_t Counters16 __attribute__((vector_size(2 * kLanes)));

/** One more where the bit of the lane is set. */
static inline Counters16 countBits(Counters16 counts, uint32_t mask) {
  constexpr Counters16 lanes = {1,      1 << 1, 1 << 2,  1 << 3,  1 << 4,  1 << 5,  1 << 6,  1 << 7,
                                1 << 8, 1 << 9, 1 << 10, 1 << 11, 1 << 12, 1 << 13, 1 << 14, 1 << 15};
  return counts - reinterpret_cast<Counters16>(((static_cast<uint16_t>(mask) - Counters16{}) & lanes) != 0);
}

static inline void storeCounters(int32_t* to, Counters16 counts) {
  uint16_t buffer[kLanes];
  __builtin_memcpy(buffer, &counts, sizeof buffer);
  ONEBIT_EACH* reinterpret_cast<IMemory*>(to + i * kWidth) =
      reinterpret_cast<I>(widened(*reinterpret_cast<const HMemory*>(buffer + i * kWidth)));
}

/** +1 where the bit is set, -1 elsewhere. */
static inline F16 fromSigns(uint32_t mask) {
  const V one = 1.0f - V{}, minus = -1.0f - V{};
  F16 r;
  ONEBIT_EACH r.v[i] = bitsOfLanes(mask, i) == 0 ? minus : one;
  return r;
}
