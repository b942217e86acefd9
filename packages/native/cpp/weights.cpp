#include "weights.h"

#include <algorithm>
#include <cstring>
#include <map>

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
  const int32_t rows = job.kernel[0];
  switch (job.format) {
    case PanelFormat::words: return product(rows, job.rowLength, kLanes, 4);
    case PanelFormat::nibbles: return product(rows, job.rowLength, kLanes, 8);
    default: return product(rows, (job.rowLength + 1) / 2, kLanes, 8);
  }
}

/** Where windows leave the image along one axis: see wasm/border-classes.ts. */
struct Classes {
  /** Part of the kernel inside the image, per class. */
  std::vector<std::pair<int32_t, int32_t>> inside;
  /** Of each output. */
  const int32_t* ofOutput;
};

Classes classesOf(const StepJob& job, int axis, int32_t size, int32_t outputs, bool correct, Constants& constants) {
  Classes classes;
  std::map<std::pair<int32_t, int32_t>, int32_t> known;
  const int32_t kernel = job.kernel[axis], apart = job.dilation[axis];
  // The first kernel position at or behind a place.
  const auto tap = [&](int32_t place) { return place <= 0 ? 0 : std::min(kernel, (place + apart - 1) / apart); };
  int32_t* ofOutput = constants.allocate<int32_t>(exactly<size_t>(outputs));
  classes.ofOutput = ofOutput;
  for (int32_t i = 0; i < outputs; i++) {
    const int32_t first = i * job.stride[axis] - job.padding[axis];
    const int32_t begin = correct ? tap(-first) : 0;
    const int32_t end = correct ? std::max(begin, tap(size - first)) : kernel;
    const auto found = known.emplace(std::pair(begin, end), static_cast<int32_t>(classes.inside.size()));
    if (found.second) classes.inside.emplace_back(begin, end);
    ofOutput[i] = found.first->second;
  }
  return classes;
}

/** Without an instruction for it the compiler would call a function. */
int32_t countBits(uint32_t x) {
  x -= x >> 1 & 0x55555555;
  x = (x & 0x33333333) + (x >> 2 & 0x33333333);
  return (((x + (x >> 4)) & 0x0f0f0f0f) * 0x01010101u) >> 24;
}

/**
 * One channel's weights added up from the first kernel position on: sums of any rectangle of
 * positions take four of these.
 */
class RectangleSums {
 public:
  explicit RectangleSums(const StepJob& job)
      : height_(job.kernel[0]), stride_(job.kernel[1] + 1), corner_(product(height_ + 1, stride_)) {}

  void add(const BitRow& row, int32_t groupChannels) {
    int64_t position = 0;
    for (int32_t y = 0; y < height_; y++) {
      int32_t along = 0;
      for (int32_t x = 0; x + 1 < stride_; x++, position++) {
        along += weightsAt(row, position * groupChannels, groupChannels);
        at(y + 1, x + 1) = at(y, x + 1) + along;
      }
    }
  }

  int32_t of(std::pair<int32_t, int32_t> rows, std::pair<int32_t, int32_t> columns) {
    return at(rows.second, columns.second) - at(rows.first, columns.second) - at(rows.second, columns.first) +
           at(rows.first, columns.first);
  }

  int32_t all() { return corner_.back(); }

 private:
  static int32_t weightsAt(const BitRow& row, int64_t first, int32_t channels) {
    int32_t ones = 0;
    for (int32_t c = 0; c < channels; c += 32) ones += countBits(row.read(first + c, std::min(32, channels - c)));
    return 2 * ones - channels;
  }

  int32_t& at(int32_t y, int32_t x) { return corner_[exactly<size_t>(int64_t{y} * stride_ + x)]; }

  int32_t height_, stride_;
  std::vector<int32_t> corner_;
};

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
  const int64_t positions = int64_t{job.kernel[0]} * job.kernel[1];
  job.panelBytes = panelBytesOf(job);
  unsigned char* panels = constants.allocate<unsigned char>(product(job.panelBytes, job.blockCount));
  job.panels = panels;
  uint32_t lanes[kLanes] = {};
  for (int32_t b = 0; b < job.blockCount; b++, panels += job.panelBytes) {
    const Block& block = job.blocks[b];
    std::fill(lanes + block.lanes, lanes + kLanes, 0);
    const BitRow first(weight, job.channels, block.first);
    int64_t word = 0;
    for (int64_t p = 0; p < positions; p++) {
      for (int32_t c = 0; c < groupChannels; c += 32, word++) {
        const int32_t count = std::min(32, groupChannels - c);
        for (int32_t lane = 0; lane < block.lanes; lane++)
          lanes[lane] = first.below(lane).read(p * groupChannels + c, count);
        writeWord(job, panels, word, lanes);
      }
    }
  }
}

void tileDepthwise(StepJob& job, const Tensor& weight, Constants& constants) {
  const int32_t positions = exactly<int32_t>(product(job.kernel[0], job.kernel[1]));
  job.panelBytes = product(positions, 4);
  uint32_t* masks = constants.allocate<uint32_t>(product(positions, job.blockCount));
  job.panels = reinterpret_cast<const unsigned char*>(masks);
  for (int32_t b = 0; b < job.blockCount; b++) {
    const BitRow first(weight, job.channels, job.blocks[b].first);
    for (int32_t p = 0; p < positions; p++, masks++) {
      *masks = 0;
      for (int32_t lane = 0; lane < job.blocks[b].lanes; lane++) *masks |= first.below(lane).read(p, 1) << lane;
    }
  }
}

void tileFloats(StepJob& job, const Tensor& weight, int32_t products, Constants& constants) {
  job.panelBytes = product(products, kLanes, 4);
  float* panels = constants.allocate<float>(product(products, kLanes, job.blockCount));
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
  const bool correct = factor != 0 && (job.padding[0] + job.end[0] > 0 || job.padding[1] + job.end[1] > 0);
  const Classes rows = classesOf(job, 0, job.inputHeight, job.height, correct, constants);
  const Classes columns = classesOf(job, 1, job.inputWidth, job.width, correct, constants);
  job.baseStride = exactly<int32_t>(sum(job.channels, kLanes));
  job.columnClasses = static_cast<int32_t>(columns.inside.size());
  job.rowClass = rows.ofOutput;
  job.columnClass = columns.ofOutput;
  int32_t* base = constants.allocate<int32_t>(product(rows.inside.size(), columns.inside.size(), job.baseStride));
  job.base = base;
  const bool bytes = job.format == PanelFormat::bytes;
  const int32_t products = exactly<int32_t>(product(job.kernel[0], job.kernel[1], groupChannels));
  RectangleSums sums(job);
  for (int32_t o = 0; o < job.channels; o++) {
    if (correct || bytes) sums.add(BitRow(weight, job.channels, o), groupChannels);
    // Words count bits that differ; bytes count minus the weights where the bit is set.
    const int32_t all = bytes ? -sums.all() : products;
    int32_t* to = base + o;
    for (const auto& inRows : rows.inside) {
      for (const auto& inColumns : columns.inside) {
        *to = correct ? all + factor * (sums.all() - sums.of(inRows, inColumns)) : all;
        to += job.baseStride;
      }
    }
  }
}

}  // namespace onebit
