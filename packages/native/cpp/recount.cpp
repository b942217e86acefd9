#include "recount.h"

#include <algorithm>

namespace onebit {
namespace {

/** Smaller maps stay in the second-level cache; longer windows cost more than the map's way. */
constexpr int64_t kLeastBytes = int64_t{1} << 20;
constexpr int32_t kMostProducts = 64;

int32_t readersOf(const Program& program, int32_t value) {
  int32_t readers = 0;
  for (const RawStep& step : program.steps) {
    if (!step.skipped && step.input == value) readers++;
    for (const RawOp& op : step.ops) readers += op.reads() && op.value == value;
  }
  return readers + static_cast<int32_t>(std::count(program.outputs.begin(), program.outputs.end(), value));
}

/** Index of the one op of all steps that writes a value, if it is a whole `store` of this step; or -1. */
int32_t soleStore(const Program& program, const RawStep& step, int32_t value) {
  int32_t found = -1;
  for (const RawStep& other : program.steps) {
    for (size_t i = 0; i < other.ops.size(); i++) {
      const RawOp& op = other.ops[i];
      if (!op.writes() || op.value != value) continue;
      if (found >= 0 || &other != &step || op.code != Code::store || op.pooled || op.offset != 0) return -1;
      found = static_cast<int32_t>(i);
    }
  }
  return found;
}

bool isCheap(const Program& program, const RawStep& step) {
  const int32_t channels = program.values[step.input].channels;
  const bool loads = std::any_of(step.ops.begin(), step.ops.end(), [](const RawOp& op) { return op.reads(); });
  return step.kind == StepKind::binaryConv && step.groups == 1 && step.kernel[0] == 1 &&
         step.kernel[1] == 1 && channels <= kMostProducts && !loads;
}

/** The ops that `keep` wants; a register of one left out is that of its operand. */
template <typename Keep>
std::vector<RawOp> select(const std::vector<RawOp>& ops, Keep keep, std::vector<int32_t>& renumbered) {
  renumbered = {0};
  std::vector<RawOp> kept;
  for (size_t i = 0; i < ops.size(); i++) {
    RawOp op = ops[i];
    op.a = renumbered[op.a];
    op.b = renumbered[op.b];
    if (keep(i)) kept.push_back(op);
    renumbered.push_back(keep(i) ? static_cast<int32_t>(kept.size()) : op.a);
  }
  return kept;
}

/** The convolution stores its map no longer; the reader counts for itself. */
void moveInto(RawStep& reader, RawStep& conv, size_t store) {
  std::vector<int32_t> renumbered;
  std::vector<RawOp> ops = select(conv.ops, [&](size_t i) { return i < store && !conv.ops[i].writes(); }, renumbered);
  const int32_t stored = renumbered[conv.ops[store].a];
  const int32_t count = static_cast<int32_t>(ops.size());
  const auto moved = [&](int32_t r) { return r == 0 ? stored : r + count; };
  for (RawOp op : reader.ops) {
    op.a = moved(op.a);
    op.b = moved(op.b);
    ops.push_back(op);
  }
  conv.ops = select(conv.ops, [&](size_t i) { return i != store; }, renumbered);
  reader = RawStep(conv);
  reader.ops = std::move(ops);
}

}  // namespace

void recount(Program& program) {
  for (RawStep& reader : program.steps) {
    const int32_t map = reader.input;
    const Value& value = program.values[map];
    const int64_t bytes = int64_t{value.height} * value.width * value.channels * 4;
    if (reader.kind != StepKind::pointwise || value.kind != ValueKind::map || bytes < kLeastBytes) continue;
    if (readersOf(program, map) != 1) continue;
    for (RawStep& conv : program.steps) {
      const int32_t store = soleStore(program, conv, map);
      if (store < 0 || !isCheap(program, conv)) continue;
      moveInto(reader, conv, store);
      break;
    }
  }
}

}  // namespace onebit
