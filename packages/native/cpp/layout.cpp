#include "layout.h"

#include <algorithm>
#include <stdexcept>

namespace onebit {
namespace {

constexpr size_t kAlignment = 64;
/** Half an address space of 32 bits: nothing that an honest network needs. */
constexpr size_t kMostBytes = size_t{1} << 32;

size_t aligned(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

struct Border {
  int32_t rows = 0, columns = 0;
};

/** Zeros around each value: the widest padding of the convolutions that read it. */
std::vector<Border> bordersOf(const Program& program) {
  std::vector<Border> borders(program.values.size());
  for (const RawStep& step : program.steps) {
    if (step.kind != StepKind::binaryConv && step.kind != StepKind::conv) continue;
    Border& border = borders[step.input];
    border.rows = std::max(border.rows, step.padding[0]);
    border.columns = std::max(border.columns, step.padding[1]);
  }
  return borders;
}

void place(const Value& value, const Border& border, Place& place, Range& range) {
  const bool bits = value.kind == ValueKind::bits;
  const size_t pixel = bits ? (value.channels + 31) / 32 : value.channels;
  const size_t row = pixel * (value.width + 2 * size_t(border.columns));
  const size_t start = row * border.rows + pixel * border.columns;
  range.bytes = row * (value.height + 2 * size_t(border.rows)) * 4;
  place = {start * 4, static_cast<int64_t>(row), static_cast<int32_t>(pixel), value.channels, value.kind};
}

void findLifetimes(const Program& program, std::vector<Range>& ranges) {
  const int32_t end = static_cast<int32_t>(program.steps.size());
  const auto use = [&](int32_t value, int32_t step) {
    ranges[value].first = std::min(ranges[value].first, step);
    ranges[value].last = std::max(ranges[value].last, step);
  };
  use(program.input, -1);
  for (int32_t i = 0; i < end; i++) {
    if (program.steps[i].skipped) continue;
    use(program.steps[i].input, i);
    for (const RawOp& op : program.steps[i].ops) {
      if (op.reads() || op.writes()) use(op.value, i);
    }
  }
  for (const int32_t value : program.outputs) use(value, end);
}

}  // namespace

Layout layOut(const Program& program) {
  Layout layout;
  const size_t count = program.values.size();
  const int32_t end = static_cast<int32_t>(program.steps.size());
  const std::vector<Border> borders = bordersOf(program);
  layout.places.resize(count);
  layout.ranges.assign(count, Range{0, end, -1});
  layout.clears.resize(end + 1);
  for (size_t i = 0; i < count; i++) place(program.values[i], borders[i], layout.places[i], layout.ranges[i]);
  findLifetimes(program, layout.ranges);
  for (size_t i = 0; i < count; i++) {
    const bool bordered = borders[i].rows > 0 || borders[i].columns > 0;
    const bool needed = program.values[i].kind == ValueKind::bits || bordered;
    // Index 0: before the input arrives; i + 1: before step i.
    if (needed && layout.ranges[i].last >= 0) layout.clears[layout.ranges[i].first + 1].push_back(int32_t(i));
  }
  return layout;
}

size_t assignOffsets(std::vector<Range*> ranges, bool apart) {
  std::stable_sort(ranges.begin(), ranges.end(),
                   [](const Range* a, const Range* b) { return a->bytes > b->bytes; });
  std::vector<const Range*> placed;
  size_t end = 0;
  const auto taken = [&](const Range& range) { return aligned(range.bytes) + (apart ? kAlignment : 0); };
  for (Range* range : ranges) {
    size_t offset = 0;
    for (const Range* other : placed) {
      const bool meet = apart || (range->first <= other->last && other->first <= range->last);
      if (!meet) continue;
      if (other->offset >= offset + taken(*range)) break;
      offset = std::max(offset, other->offset + taken(*other));
    }
    range->offset = offset;
    end = std::max(end, offset + taken(*range));
    if (end > kMostBytes)
      throw std::runtime_error("native: this program needs more than 4 GiB: run it on smaller images");
    const auto after = [](size_t at, const Range* other) { return at < other->offset; };
    placed.insert(std::upper_bound(placed.begin(), placed.end(), offset, after), range);
  }
  return end;
}

}  // namespace onebit
