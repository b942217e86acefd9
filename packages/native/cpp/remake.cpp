#include "remake.h"

#include <algorithm>

#include "sizes.h"

namespace onebit {
namespace {

/** Smaller maps stay in the second-level cache. */
constexpr size_t kLeastBytes = size_t{1} << 19;
/** Counting the bits of a longer window again costs more than the integers' way. */
constexpr size_t kMostProducts = 32;
constexpr size_t kMostCount = 32767;

int32_t readersOf(const Program& program, int32_t value) {
  int32_t readers = 0;
  for (const RawStep& step : program.steps) {
    if (step.input == value) readers++;
    for (const RawOp& op : step.ops) readers += op.reads() && op.value == value;
  }
  return readers + static_cast<int32_t>(std::count(program.outputs.begin(), program.outputs.end(), value));
}

/** A step, if any, and the index of one of its ops. */
struct Write {
  RawStep* step;
  size_t op;
};

/** The one op of all steps that writes a value, if it is a whole `store`. */
Write soleStore(Program& program, int32_t value) {
  Write found{};
  for (RawStep& step : program.steps) {
    for (size_t i = 0; i < step.ops.size(); i++) {
      const RawOp& op = step.ops[i];
      if (!op.writes() || op.value != value) continue;
      if (found.step || op.code != Code::store || op.offset != 0) return {};
      found = {&step, i};
    }
  }
  return found;
}

size_t productsOf(const Program& program, const RawStep& step) {
  return product(step.kernel[0], step.kernel[1], program.values[step.input].channels / step.groups);
}

bool isNarrow(const Program& program, int32_t value) { return program.values[value].kind == ValueKind::bfloat16; }

/** A convolution whose integers fit 16 bits, in blocks of channels, and nothing else needed for the map. */
bool canRemake(const Program& program, const RawStep& step) {
  if (step.kind != StepKind::binaryConv || step.out % kLanes != 0) return false;
  const bool loads = std::any_of(step.ops.begin(), step.ops.end(), [](const RawOp& op) { return op.reads(); });
  return step.groups == 1 && productsOf(program, step) <= kMostCount && !loads;
}

bool isSmall(const Program& program, const RawStep& step) {
  return step.kernel[0] == 1 && step.kernel[1] == 1 && productsOf(program, step) <= kMostProducts;
}

/** The ops that `keep` wants; a register of one left out is that of its operand. */
template <typename Keep>
std::vector<RawOp> select(const std::vector<RawOp>& ops, Keep keep, std::vector<int32_t>& renumbered) {
  renumbered = {0};
  std::vector<RawOp> kept;
  for (size_t i = 0; i < ops.size(); i++) {
    RawOp op = ops[i];
    op.a = renumbered[op.a];
    if (op.combines()) op.b = renumbered[op.b];
    if (keep(i)) kept.push_back(op);
    renumbered.push_back(keep(i) ? static_cast<int32_t>(kept.size()) : op.a);
  }
  return kept;
}

RawOp rounding(int32_t a) {
  RawOp op{};
  op.code = Code::narrow;
  op.a = a;
  op.b = op.s = op.t = -1;
  return op;
}

/** Puts the arithmetic between a convolution and its map before what the reader does. */
void prepend(RawStep& reader, const RawStep& conv, size_t store, bool narrow) {
  std::vector<int32_t> renumbered;
  std::vector<RawOp> ops = select(
      conv.ops, [&](size_t i) { return i < store && !conv.ops[i].writes(); }, renumbered);
  int32_t stored = renumbered[conv.ops[store].a];
  if (narrow) {
    ops.push_back(rounding(stored));
    stored = static_cast<int32_t>(ops.size());
  }
  const int32_t count = static_cast<int32_t>(ops.size());
  const auto moved = [&](int32_t r) { return r == 0 ? stored : r + count; };
  for (RawOp op : reader.ops) {
    op.a = moved(op.a);
    if (op.combines()) op.b = moved(op.b);
    ops.push_back(op);
  }
  reader.ops = std::move(ops);
}

/** Stores the integers as they are. What came after the store goes on with what was to be stored. */
void storeIntegers(RawStep& conv, size_t store) {
  const int32_t passedOn = static_cast<int32_t>(store) + 1;
  const int32_t stored = conv.ops[store].a;
  for (RawOp& op : conv.ops) {
    if (op.a == passedOn) op.a = stored;
    if (op.combines() && op.b == passedOn) op.b = stored;
  }
  conv.ops[store].code = Code::storeIntegers;
  conv.ops[store].a = 0;
}

void remake(Program& program, RawStep& reader, RawStep& conv, size_t store) {
  prepend(reader, conv, store, isNarrow(program, reader.input));
  if (!isSmall(program, conv)) {
    program.values[reader.input].kind = ValueKind::integers;
    storeIntegers(conv, store);
    return;
  }
  std::vector<int32_t> renumbered;
  conv.ops = select(conv.ops, [&](size_t i) { return i != store; }, renumbered);
  std::vector<RawOp> ops = std::move(reader.ops);
  reader = conv;
  reader.ops = std::move(ops);
}

}  // namespace

void remakeMaps(Program& program, bool anySize) {
  for (RawStep& reader : program.steps) {
    const int32_t map = reader.input;
    const Value& value = program.values[map];
    const size_t bytes = product(value.height, value.width, value.channels, bytesOf(value.kind));
    if (reader.kind != StepKind::pointwise || !isMap(value)) continue;
    if ((bytes < kLeastBytes && !anySize) || readersOf(program, map) != 1) continue;
    const auto [conv, store] = soleStore(program, map);
    if (!conv || !canRemake(program, *conv)) continue;
    // Integers would take as much.
    if (isNarrow(program, map) && !isSmall(program, *conv)) continue;
    remake(program, reader, *conv, store);
  }
}

}  // namespace onebit
