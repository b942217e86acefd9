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

/** Reads a group's channels at pixels of a row of the input, from wherever the border has them. */
class RowReader {
 public:
  RowReader(const StepJob& job, const char* arena, int32_t group, int32_t y)
      : job_(job), channels_(job.input.channels / job.groups), first_(group * channels_) {
    if (job.replicate) y = std::clamp(y, 0, job.inputHeight - 1);
    row_ = reinterpret_cast<const uint32_t*>(arena + job.input.offset) + y * job.input.row;
  }

  void read(int32_t x, uint32_t* to) const {
    if (job_.replicate) x = std::clamp(x, 0, job_.inputWidth - 1);
    const uint32_t* from = row_ + int64_t{x} * job_.input.pixel;
    for (int32_t c = 0; c < channels_; c += 32) *to++ = extract(from, first_ + c, std::min(32, channels_ - c));
  }

 private:
  const StepJob& job_;
  const int32_t channels_, first_;
  const uint32_t* row_;
};

/** A pixel for each of the input and its border, or for each output: all columns of its kernel. */
void repackRow(const StepJob& job, const RowReader& row, uint32_t* to) {
  if (!job.unrolled) {
    for (int32_t x = -job.padding[1]; x < job.inputWidth + job.end[1]; x++)
      row.read(x, to + int64_t{x} * job.packed.pixel);
    return;
  }
  const int32_t words = job.packed.pixel / job.kernel[1];
  for (int32_t x = 0; x < job.width; x++) {
    const int32_t left = x * job.stride[1] - job.padding[1];
    for (int32_t kx = 0; kx < job.kernel[1]; kx++, to += words) row.read(left + kx * job.dilation[1], to);
  }
}

/** The border, whose bits are zero in the value, comes with the rest. */
void repack(const StepJob& job, char* arena) {
  uint32_t* packed = reinterpret_cast<uint32_t*>(arena + job.packed.offset);
  for (int32_t group = 0; group < job.groups; group++, packed += job.packedGroup) {
    for (int32_t y = -job.padding[0]; y < job.inputHeight + job.end[0]; y++)
      repackRow(job, RowReader(job, arena, group, y), packed + y * job.packed.row);
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
