#include "layout.h"

#include <algorithm>
#include <set>

#include "sizes.h"

namespace onebit {
namespace {

constexpr size_t kAlignment = 64;

size_t aligned(size_t bytes) { return roundedUp(bytes, kAlignment); }

struct Border {
  int32_t rows = 0, columns = 0;
};

/** Zeros around each value: the widest padding of the convolutions that read it. */
std::vector<Border> bordersOf(const Program& program) {
  std::vector<Border> borders(program.values.size());
  for (const RawStep& step : program.steps) {
    if (step.kind != StepKind::binaryConv && step.kind != StepKind::conv) continue;
    Border& border = borders[step.input];
    border.rows = std::max({border.rows, step.padding[0], step.end[0]});
    border.columns = std::max({border.columns, step.padding[1], step.end[1]});
  }
  return borders;
}

/** Blocks of 16 channels of a step's output begin at multiples of 16. */
bool hasWholeBlocks(const Program& program, const RawStep& step) {
  const int32_t channels = outputShape(program, step).channels;
  if (step.groups <= 1 || groupsTogether(program, step) > 1) return true;
  return channels / step.groups % kLanes == 0;
}

int32_t blocksIn(const Value& value) { return (value.channels + kLanes - 1) / kLanes; }

/** The last block may have lanes that nobody needs: at most as many as channels. */
bool fillsBlocks(const Value& value) { return value.channels >= kLanes / 2; }

/**
 * Maps that lie in blocks of 16 channels: whoever touches them does so block by block. Slices fill a map,
 * so one that ends within a block ends the map, or another begins there.
 */
std::vector<bool> blockedMaps(const Program& program) {
  std::vector<bool> blocked;
  for (const Value& value : program.values)
    blocked.push_back(value.kind == ValueKind::integers || (isMap(value) && fillsBlocks(value)));
  blocked[program.input] = false;
  for (const int32_t output : program.outputs) blocked[output] = false;
  for (const RawStep& step : program.steps) {
    const bool byBlocks =
        step.kind == StepKind::pointwise || step.kind == StepKind::pool || step.kind == StepKind::shuffle;
    const bool whole = hasWholeBlocks(program, step);
    if (!byBlocks || !whole) blocked[step.input] = false;
    for (const RawOp& op : step.ops) {
      if (!op.reads() && !op.writes()) continue;
      if (!whole || op.offset % kLanes != 0) blocked[op.value] = false;
    }
  }
  return blocked;
}

void placeBlocks(const Value& value, const Parting& parting, Place& place, Range& range) {
  const int64_t bytes = bytesOf(value.kind);
  const int64_t rows = parting.kind == Parting::Kind::rows ? parting.size : value.height;
  const int64_t blocks = parting.kind == Parting::Kind::blocks ? parting.size : blocksIn(value);
  const int64_t row = exactly<int64_t>(product(kLanes, value.width));
  range.bytes = product(row, rows, blocks, bytes);
  place = {0, row, exactly<int64_t>(product(row, rows)), kLanes, value.channels, value.kind};
  // Rows and blocks count on from part to part.
  if (parting.kind == Parting::Kind::rows) place.jump = -rows * row * bytes;
  if (parting.kind == Parting::Kind::blocks) place.jump = -blocks * place.block * bytes;
}

void place(const Value& value, const Border& border, Place& place, Range& range) {
  const bool bits = value.kind == ValueKind::bits;
  const int32_t pixel = bits ? (value.channels + 31) / 32 : value.channels;
  const size_t row = product(pixel, sum(value.width, border.columns, border.columns));
  const size_t start = sum(product(row, border.rows), product(pixel, border.columns));
  const int32_t bytes = bytesOf(value.kind);
  range.bytes = product(row, sum(value.height, border.rows, border.rows), bytes);
  place = {product(start, bytes), exactly<int64_t>(row), kLanes, pixel, value.channels, value.kind};
}

void findLifetimes(const Program& program, std::vector<Range>& ranges) {
  const int32_t end = static_cast<int32_t>(program.steps.size());
  const auto use = [&](int32_t value, int32_t step) {
    ranges[value].first = std::min(ranges[value].first, step);
    ranges[value].last = std::max(ranges[value].last, step);
  };
  use(program.input, -1);
  for (int32_t i = 0; i < end; i++) {
    use(program.steps[i].input, i);
    for (const RawOp& op : program.steps[i].ops) {
      if (op.reads() || op.writes()) use(op.value, i);
    }
  }
  for (const int32_t value : program.outputs) use(value, end);
}

/** And no border, which would have to be cleared. */
bool sameShape(const Place& a, const Place& b) {
  return a.offset == 0 && b.offset == 0 && a.kind == b.kind && a.row == b.row && a.block == b.block && a.pixel == b.pixel &&
         a.channels == b.channels;
}

/** Op i stores a whole map. */
bool storesWhole(const Program& program, const RawStep& step, const RawOp& op) {
  return op.code == Code::store && op.offset == 0 && isMap(program.values[op.value]) &&
         program.values[op.value].channels == outputShape(program, step).channels;
}

/** The op that computes what op i stores, or -1 for the step's own values: writing follows it at once. */
int32_t originOf(const RawStep& step, int32_t i) {
  int32_t r = step.ops[i].a;
  while (r > 0 && step.ops[r - 1].writes()) r = step.ops[r - 1].a;
  return r - 1;
}

/** All that the step reads of a value, at the element under way, it reads before op `end` is done. */
bool readsOnlyBefore(const RawStep& step, int32_t value, int32_t end) {
  if (step.input == value && step.kind != StepKind::pointwise) return false;
  for (size_t i = 0; i < step.ops.size(); i++) {
    const RawOp& op = step.ops[i];
    if (op.reads()) continue;
    for (const int32_t r : {op.a, op.b}) {
      const bool reads = r > 0 && step.ops[r - 1].reads() && step.ops[r - 1].value == value;
      if (reads && static_cast<int32_t>(i) > end) return false;
    }
  }
  return true;
}

bool reads(const RawStep& step, int32_t value) {
  if (step.input == value) return true;
  for (const RawOp& op : step.ops) {
    if (op.reads() && op.value == value) return true;
  }
  return false;
}

/** Of the values that the step reads for the last time, one that op i can overwrite; or -1. */
int32_t predecessorOf(const Program& program, const Layout& layout, int32_t index, int32_t i) {
  const RawStep& step = program.steps[index];
  const int32_t stored = step.ops[i].value;
  const Range& own = layout.ranges[stored];
  if (own.first != index) return -1;
  for (int32_t value = 0; value < static_cast<int32_t>(program.values.size()); value++) {
    const Range& range = layout.ranges[value];
    const bool ends = value != stored && range.last == index && range.first < index;
    const bool alike = sameShape(layout.places[value], layout.places[stored]) &&
                       layout.partings[value] == layout.partings[stored] && range.bytes == own.bytes;
    if (!ends || !alike) continue;
    if (reads(step, value) && readsOnlyBefore(step, value, originOf(step, i))) return value;
  }
  return -1;
}

void takeOver(const Program& program, Layout& layout) {
  for (int32_t index = 0; index < static_cast<int32_t>(program.steps.size()); index++) {
    const RawStep& step = program.steps[index];
    std::set<int32_t> taken;
    for (int32_t i = 0; i < static_cast<int32_t>(step.ops.size()); i++) {
      if (!storesWhole(program, step, step.ops[i])) continue;
      const int32_t value = predecessorOf(program, layout, index, i);
      if (value < 0 || !taken.insert(value).second) continue;
      layout.homes[step.ops[i].value] = layout.homes[value];
    }
  }
}

}  // namespace

Layout layOut(const Program& program, const std::vector<Division>& divisions, int32_t threads, bool apart) {
  Layout layout;
  const size_t count = program.values.size();
  const int32_t end = static_cast<int32_t>(program.steps.size());
  const std::vector<Border> borders = bordersOf(program);
  layout.places.resize(count);
  layout.ranges.assign(count, Range{0, end, -1});
  layout.clears.resize(end + 1);
  const std::vector<bool> blocked = blockedMaps(program);
  layout.partings.resize(count);
  if (threads > 1) layout.partings = partingsOf(program, divisions, blocked);
  for (size_t i = 0; i < count; i++) {
    if (blocked[i]) placeBlocks(program.values[i], layout.partings[i], layout.places[i], layout.ranges[i]);
    else place(program.values[i], borders[i], layout.places[i], layout.ranges[i]);
    layout.homes.push_back(static_cast<int32_t>(i));
  }
  findLifetimes(program, layout.ranges);
  if (!apart) takeOver(program, layout);
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
  const auto taken = [&](const Range& range) { return sum(aligned(range.bytes), apart ? kAlignment : 0); };
  for (Range* range : ranges) {
    size_t offset = 0;
    for (const Range* other : placed) {
      const bool meet = apart || (range->first <= other->last && other->first <= range->last);
      if (!meet) continue;
      if (other->offset >= offset + taken(*range)) break;
      offset = std::max(offset, other->offset + taken(*other));
    }
    range->offset = offset;
    end = std::max(end, sum(offset, taken(*range)));
    const auto after = [](size_t at, const Range* other) { return at < other->offset; };
    placed.insert(std::upper_bound(placed.begin(), placed.end(), offset, after), range);
  }
  return end;
}

}  // namespace onebit
