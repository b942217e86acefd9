// What a query and each row of an index have in common: packages/core/src/search.
//
//   hamming:  to[n] = sum over words of popcount(query[word] ^ rows[n][word])
//   dots:     s[j] = sum over i of query[16 i + j] * rows[n][16 i + j]
//             t[j] = (s[j] + s[j + 4]) + (s[j + 8] + s[j + 12]);  to[n] = (t[0] + t[1]) + (t[2] + t[3])
//
// Tile: a row. Compilers make vectors where the instruction set has the instructions: 64-bit counts with
// VPOPCNTDQ, lanes of s with any. AVX2 looks up the counts of nibbles: 9 instructions for 256 bits. Long rows
// wait for memory.

/** Bits that differ in a 64-bit word of each. */
static inline uint64_t differing(const char* a, const char* b) {
  uint64_t x, y;
  __builtin_memcpy(&x, a, 8);
  __builtin_memcpy(&y, b, 8);
  return static_cast<uint64_t>(__builtin_popcountll(x ^ y));
}

#if defined(__AVX2__) && !defined(__AVX512VPOPCNTDQ__)
/** Of so many 256-bit words each. */
static inline uint64_t differingWide(const char* a, const char* b, size_t count) {
  const __m128i table = _mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
  const __m256i counts = _mm256_broadcastsi128_si256(table), nibble = _mm256_set1_epi8(15);
  __m256i sums = _mm256_setzero_si256();
  for (size_t i = 0; i < count; i++) {
    const __m256i x = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(a) + i);
    const __m256i y = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(b) + i);
    const __m256i d = _mm256_xor_si256(x, y);
    const __m256i low = _mm256_shuffle_epi8(counts, _mm256_and_si256(d, nibble));
    const __m256i high = _mm256_shuffle_epi8(counts, _mm256_and_si256(_mm256_srli_epi16(d, 4), nibble));
    sums = _mm256_add_epi64(sums, _mm256_sad_epu8(_mm256_add_epi8(low, high), _mm256_setzero_si256()));
  }
  uint64_t parts[4];
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(parts), sums);
  return parts[0] + parts[1] + parts[2] + parts[3];
}
constexpr size_t kWideWords = 4;
#else
static inline uint64_t differingWide(const char*, const char*, size_t) { return 0; }
/** None is so wide. */
constexpr size_t kWideWords = SIZE_MAX;
#endif

/** words: 64-bit, of a row. Rows need not be aligned. */
static void hamming(const char* query, const char* rows, size_t count, size_t words, int32_t* to) {
  const size_t wide = words / kWideWords;
  for (size_t n = 0; n < count; n++, rows += 8 * words) {
    uint64_t sum = differingWide(query, rows, wide);
    for (size_t w = wide * kWideWords; w < words; w++) sum += differing(query + 8 * w, rows + 8 * w);
    to[n] = static_cast<int32_t>(sum);
  }
}

/** floats: of a row, a multiple of 16. */
static void dots(const float* query, const float* rows, size_t count, size_t floats, float* to) {
  for (size_t n = 0; n < count; n++, rows += floats) {
    float s[16] = {};
    for (size_t i = 0; i < floats; i += 16)
      for (size_t j = 0; j < 16; j++) s[j] += query[i + j] * rows[i + j];
    float t[4];
    for (size_t j = 0; j < 4; j++) t[j] = (s[j] + s[j + 4]) + (s[j + 8] + s[j + 12]);
    to[n] = (t[0] + t[1]) + (t[2] + t[3]);
  }
}
