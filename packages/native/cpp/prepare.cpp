#include "prepare.h"

#include <algorithm>

namespace onebit {
namespace {

/** Up to 32 bits from bit `first` on; reads no word that has none of them. */
uint32_t extract(const uint32_t* words, int32_t first, int32_t count) {
  const int32_t shift = first & 31;
  uint64_t both = words[first >> 5];
  if (shift + count > 32) both |= static_cast<uint64_t>(words[(first >> 5) + 1]) << 32;
  const uint64_t mask = (uint64_t{1} << count) - 1;
  return static_cast<uint32_t>((both >> shift) & mask);
}

/** The border, whose bits are zero in the value, comes with the rest. */
void repack(const StepJob& job, char* arena) {
  const int32_t channels = job.input.channels / job.groups;
  const int32_t words = job.packed.pixel;
  const uint32_t* input = reinterpret_cast<const uint32_t*>(arena + job.input.offset);
  uint32_t* packed = reinterpret_cast<uint32_t*>(arena + job.packed.offset);
  for (int32_t group = 0; group < job.groups; group++, packed += job.packedGroup) {
    for (int32_t y = -job.padding[0]; y < job.inputHeight + job.padding[0]; y++) {
      for (int32_t x = -job.padding[1]; x < job.inputWidth + job.padding[1]; x++) {
        const uint32_t* from = input + y * job.input.row + int64_t{x} * job.input.pixel;
        uint32_t* to = packed + y * job.packed.row + int64_t{x} * words;
        for (int32_t word = 0; word < words; word++) {
          const int32_t count = channels - word * 32 < 32 ? channels - word * 32 : 32;
          to[word] = extract(from, group * channels + word * 32, count);
        }
      }
    }
  }
}

/** The same for every channel: what they have together. */
void joinChannels(float* lows, float* highs, int32_t channels) {
  for (int32_t c = 1; c < channels; c++) {
    lows[0] = std::min(lows[0], lows[c]);
    highs[0] = std::max(highs[0], highs[c]);
  }
  std::fill(lows + 1, lows + channels, lows[0]);
  std::fill(highs + 1, highs + channels, highs[0]);
}

/** program/quantiser.ts: lows and ranges of clipped numbers. */
void findRanges(const StepJob& job, char* arena) {
  const int32_t channels = job.channels;
  float* lows = reinterpret_cast<float*>(arena + job.ranges);
  float* highs = lows + job.rangeStride;
  std::fill(lows, lows + channels, job.clip);
  std::fill(highs, highs + channels, -job.clip);
  const float* input = reinterpret_cast<const float*>(arena + job.input.offset);
  for (int32_t y = 0; y < job.height; y++) {
    for (int32_t x = 0; x < job.width; x++) {
      const float* pixel = input + y * job.input.row + int64_t{x} * job.input.pixel;
      for (int32_t c = 0; c < channels; c++) {
        float clipped = pixel[c] < job.clip ? pixel[c] : job.clip;
        clipped = clipped > -job.clip ? clipped : -job.clip;
        lows[c] = clipped < lows[c] ? clipped : lows[c];
        highs[c] = clipped > highs[c] ? clipped : highs[c];
      }
    }
  }
  if (!job.perChannel) joinChannels(lows, highs, channels);
  for (int32_t c = 0; c < channels; c++) {
    // Never -0.
    lows[c] += 0.0f;
    highs[c] = (highs[c] - lows[c]) + 1e-8f;
  }
}

}  // namespace

void prepare(const StepJob& job, char* arena) {
  if (job.kind == StepKind::quantise) findRanges(job, arena);
  if (job.repack) repack(job, arena);
}

}  // namespace onebit
