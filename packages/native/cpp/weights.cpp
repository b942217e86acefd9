#include "weights.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <numeric>

namespace onebit {
namespace {

/** Bits of one output channel's row, canonical order. */
class BitRow {
 public:
  BitRow(const Tensor& weight, int32_t out, int32_t channel)
      : bytes_(weight.bytes / out), data_(weight.data + channel * bytes_) {}

  /** The row of a later channel. */
  BitRow below(int32_t channels) const { return BitRow(bytes_, data_ + channels * bytes_); }

  /** `count` bits, at most 32, from `first` on. */
  uint32_t read(int64_t first, int32_t count) const {
    if ((first & 31) == 0 && count == 32) {
      uint32_t word;
      std::memcpy(&word, data_ + first / 8, 4);
      return word;
    }
    uint64_t all = 0;
    const size_t byte = first / 8;
    const size_t available = std::min<size_t>(8, bytes_ - byte);
    std::memcpy(&all, data_ + byte, available);
    return static_cast<uint32_t>((all >> (first & 7)) & ((uint64_t{1} << count) - 1));
  }

 private:
  BitRow(size_t bytes, const unsigned char* data) : bytes_(bytes), data_(data) {}

  size_t bytes_;
  const unsigned char* data_;
};

/**
 * The chunk of 64 window channels that a word belongs to. Where positions hold whole chunks, one
 * chunk of all positions comes before the next: what neighbouring windows share is still in cache.
 */
int64_t chunkOf(const StepJob& job, int64_t word) {
  const int32_t words = job.rowLength / job.kernel[1];
  const int64_t positions = int64_t{job.kernel[0]} * job.kernel[1];
  if (words % 2 == 0) return word % words / 2 * positions + word / words;
  return word / job.rowLength * ((job.rowLength + 1) / 2) + word % job.rowLength / 2;
}

/** 32 bits of each of 16 channels -> per nibble of them, those of all channels: 16 x 4 bits. */
void transposeNibbles(const uint32_t* lanes, uint64_t* rows) {
  for (int i = 0; i < 8; i++) rows[i] = lanes[i] | uint64_t{lanes[i + 8]} << 32;
  // In both halves the 8 x 8 nibbles change places: single ones, then blocks of 2 x 2 and of 4 x 4.
  constexpr uint64_t masks[] = {0x0f0f0f0f0f0f0f0f, 0x00ff00ff00ff00ff, 0x0000ffff0000ffff};
  for (int k = 0; k < 3; k++) {
    for (int i = 0; i < 8; i++) {
      if (i >> k & 1) continue;
      uint64_t& low = rows[i];
      uint64_t& high = rows[i + (1 << k)];
      const uint64_t moved = ((low >> (4 << k)) ^ high) & masks[k];
      high ^= moved;
      low ^= moved << (4 << k);
    }
  }
}

void writeNibbles(unsigned char* panel, int64_t word, const uint32_t* lanes) {
  for (int byte = 0; byte < 4; byte++) {
    unsigned char* to = panel + (word * 4 + byte) * 2 * kLanes;
    for (int lane = 0; lane < kLanes; lane++) {
      to[lane] = (lanes[lane] >> (8 * byte)) & 15;
      to[kLanes + lane] = (lanes[lane] >> (8 * byte + 4)) & 15;
    }
  }
}

/** Rows of the tile, 4 channels of the window each: bits 4 * lane and up of their 64-bit words. */
void writeTileRows(const StepJob& job, unsigned char* panel, int64_t word, const uint32_t* lanes) {
  uint64_t* rows =
      reinterpret_cast<uint64_t*>(panel) + chunkOf(job, word) * kLanes + word % job.rowLength % 2 * 8;
  transposeNibbles(lanes, rows);
}

/** The same word of 16 channels. */
void writeWord(const StepJob& job, unsigned char* panel, int64_t word, const uint32_t* lanes) {
  switch (job.format) {
    case PanelFormat::words: std::memcpy(panel + word * kLanes * 4, lanes, kLanes * 4); return;
    case PanelFormat::nibbles: return writeNibbles(panel, word, lanes);
    case PanelFormat::bytes: return writeTileRows(job, panel, word, lanes);
  }
}

size_t panelBytesOf(const StepJob& job) {
  const size_t rows = job.kernel[0];
  switch (job.format) {
    case PanelFormat::words: return rows * job.rowLength * kLanes * 4;
    case PanelFormat::nibbles: return rows * job.rowLength * kLanes * 8;
    default: return rows * ((job.rowLength + 1) / 2) * kLanes * 8;
  }
}

struct Classes {
  /** Part of the kernel inside the image, per class. */
  std::vector<std::pair<int32_t, int32_t>> inside;
  std::vector<int32_t> ofOutput;
};

Classes classesOf(const StepJob& job, int axis, int32_t size, int32_t outputs, bool correct) {
  Classes classes;
  std::map<std::pair<int32_t, int32_t>, int32_t> known;
  const int32_t kernel = job.kernel[axis];
  for (int32_t i = 0; i < outputs; i++) {
    const int32_t first = i * job.stride[axis] - job.padding[axis];
    const int32_t begin = correct ? std::min(kernel, std::max(0, -first)) : 0;
    const int32_t end = correct ? std::max(begin, std::min(kernel, size - first)) : kernel;
    const auto found = known.emplace(std::pair(begin, end), static_cast<int32_t>(classes.inside.size()));
    if (found.second) classes.inside.emplace_back(begin, end);
    classes.ofOutput.push_back(found.first->second);
  }
  return classes;
}

int32_t* copied(const std::vector<int32_t>& values, Constants& constants) {
  int32_t* copy = constants.allocate<int32_t>(values.size());
  std::copy(values.begin(), values.end(), copy);
  return copy;
}

/** Without an instruction for it the compiler would call a function. */
int32_t countBits(uint32_t x) {
  x -= x >> 1 & 0x55555555;
  x = (x & 0x33333333) + (x >> 2 & 0x33333333);
  return (((x + (x >> 4)) & 0x0f0f0f0f) * 0x01010101u) >> 24;
}

/** Sum of one channel's weights at each kernel position. */
std::vector<int32_t> positionSums(const BitRow& row, int32_t positions, int32_t groupChannels) {
  std::vector<int32_t> sums(positions);
  for (int32_t p = 0; p < positions; p++) {
    int32_t ones = 0;
    for (int32_t c = 0; c < groupChannels; c += 32) {
      ones += countBits(row.read(int64_t{p} * groupChannels + c, std::min(32, groupChannels - c)));
    }
    sums[p] = 2 * ones - groupChannels;
  }
  return sums;
}

}  // namespace

std::vector<Block> blocksOf(int32_t channels, int32_t groups) {
  std::vector<Block> blocks;
  const int32_t each = channels / groups;
  for (int32_t group = 0; group < groups; group++) {
    for (int32_t c = 0; c < each; c += kLanes) {
      blocks.push_back({group * each + c, std::min(kLanes, each - c), group});
    }
  }
  return blocks;
}

void tileBinary(StepJob& job, const Tensor& weight, int32_t groupChannels, Constants& constants) {
  const int32_t positions = job.kernel[0] * job.kernel[1];
  job.panelBytes = panelBytesOf(job);
  unsigned char* panels = constants.allocate<unsigned char>(job.panelBytes * job.blockCount);
  job.panels = panels;
  uint32_t lanes[kLanes] = {};
  for (int32_t b = 0; b < job.blockCount; b++, panels += job.panelBytes) {
    const Block& block = job.blocks[b];
    std::fill(lanes + block.lanes, lanes + kLanes, 0);
    const BitRow first(weight, job.channels, block.first);
    int64_t word = 0;
    for (int32_t p = 0; p < positions; p++) {
      for (int32_t c = 0; c < groupChannels; c += 32, word++) {
        const int32_t count = std::min(32, groupChannels - c);
        for (int32_t lane = 0; lane < block.lanes; lane++)
          lanes[lane] = first.below(lane).read(int64_t{p} * groupChannels + c, count);
        writeWord(job, panels, word, lanes);
      }
    }
  }
}

void tileFloats(StepJob& job, const Tensor& weight, int32_t products, Constants& constants) {
  job.panelBytes = size_t(products) * kLanes * 4;
  float* panels = constants.allocate<float>(size_t(products) * kLanes * job.blockCount);
  job.panels = reinterpret_cast<const unsigned char*>(panels);
  for (int32_t b = 0; b < job.blockCount; b++, panels += size_t(products) * kLanes) {
    const float* rows = weight.floats() + size_t(job.blocks[b].first) * products;
    for (int32_t i = 0; i < products; i++) {
      for (int32_t lane = 0; lane < job.blocks[b].lanes; lane++)
        panels[size_t(i) * kLanes + lane] = rows[size_t(lane) * products + i];
    }
  }
}

void deriveBorders(StepJob& job, const Tensor& weight, int32_t groupChannels, int32_t padValue,
                   Constants& constants) {
  // Outside the image lie zero bits, which count as -1.
  const int32_t factor = padValue + 1;
  const bool correct = factor != 0 && (job.padding[0] > 0 || job.padding[1] > 0);
  const Classes rows = classesOf(job, 0, job.inputHeight, job.height, correct);
  const Classes columns = classesOf(job, 1, job.inputWidth, job.width, correct);
  const int32_t positions = job.kernel[0] * job.kernel[1];
  const size_t classes = rows.inside.size() * columns.inside.size();
  job.baseStride = job.channels + kLanes;
  job.columnClasses = static_cast<int32_t>(columns.inside.size());
  job.rowClass = copied(rows.ofOutput, constants);
  job.columnClass = copied(columns.ofOutput, constants);
  int32_t* base = constants.allocate<int32_t>(classes * job.baseStride);
  job.base = base;
  for (int32_t o = 0; o < job.channels; o++) {
    const BitRow row(weight, job.channels, o);
    const bool bytes = job.format == PanelFormat::bytes;
    const bool needed = correct || bytes;
    const std::vector<int32_t> sums =
        needed ? positionSums(row, positions, groupChannels) : std::vector<int32_t>(positions);
    // Words count bits that differ; bytes count minus the weights where the bit is set.
    const int32_t all = bytes ? -std::accumulate(sums.begin(), sums.end(), 0) : positions * groupChannels;
    int32_t* to = base + o;
    for (const auto& [top, bottom] : rows.inside) {
      for (const auto& [left, right] : columns.inside) {
        int32_t outside = 0;
        for (int32_t ky = 0; ky < job.kernel[0]; ky++) {
          for (int32_t kx = 0; kx < job.kernel[1]; kx++) {
            const bool inside = ky >= top && ky < bottom && kx >= left && kx < right;
            if (!inside) outside += sums[ky * job.kernel[1] + kx];
          }
        }
        *to = all + factor * outside;
        to += job.baseStride;
      }
    }
  }
}

}  // namespace onebit
