#include "join.h"

#include <algorithm>

namespace onebit {
namespace {

bool halves(const RawStep& step) {
  const bool window = step.kernel[0] == 2 && step.kernel[1] == 2 && step.stride[0] == 2 && step.stride[1] == 2;
  const bool mean = step.kind == StepKind::pool && step.mode == 1 && step.padding[0] == 0 && step.padding[1] == 0;
  return window && mean && step.ops.size() == 1 && step.ops[0].code == Code::store && step.ops[0].offset == 0;
}

/** Nobody but this step reads the value. */
bool readsAlone(const Program& program, const RawStep& reader) {
  const int32_t value = reader.input;
  const auto& outputs = program.outputs;
  if (value == program.input || std::find(outputs.begin(), outputs.end(), value) != outputs.end()) return false;
  for (const RawStep& step : program.steps) {
    if (step.input == value && &step != &reader) return false;
    for (const RawOp& op : step.ops) {
      if (op.code == Code::load && op.value == value) return false;
    }
  }
  return true;
}

/** The pooled value has no other writer, and its channels are those of the map. */
bool writesAlone(const Program& program, const RawStep& pool) {
  const int32_t value = pool.ops[0].value;
  return program.values[value].channels == program.values[pool.input].channels;
}

/** Means are stored as maps; a vector of a single pixel is left to the pool. */
bool storesOnly(const Program& program, int32_t value) {
  return program.values[value].kind == ValueKind::map;
}

constexpr int32_t kMostCount = 32767;

/** Steps that read a value, as input or by a load. */
std::vector<const RawStep*> readersOf(const Program& program, int32_t value, bool loads) {
  std::vector<const RawStep*> readers;
  for (const RawStep& step : program.steps) {
    const bool loaded = std::any_of(step.ops.begin(), step.ops.end(), [&](const RawOp& op) { return op.code == Code::load && op.value == value; });
    if (loads ? loaded : step.input == value && !step.skipped) readers.push_back(&step);
  }
  return readers;
}

int32_t timesRead(const RawStep& step, int32_t reg) {
  int32_t count = 0;
  for (const RawOp& op : step.ops) {
    const bool two = op.code == Code::add || op.code == Code::mul || op.code == Code::mix;
    count += (op.code != Code::load && op.a == reg) + (two && op.b == reg);
  }
  return count;
}

/** affine(0), prelu of it, and then nothing but writes of that. */
bool activates(const RawStep& step) {
  const auto& ops = step.ops;
  if (step.kind != StepKind::binaryConv || ops.size() < 3) return false;
  if (ops[0].code != Code::affine || ops[0].a != 0 || ops[1].code != Code::prelu || ops[1].a != 1) return false;
  return std::all_of(ops.begin() + 2, ops.end(), [](const RawOp& op) { return op.writes() && op.a == 2; });
}

/** load vector, mul by the input, affine of it: what becomes a gate that reads the input itself. */
bool gates(const Program& program, const RawStep& step) {
  const auto& ops = step.ops;
  if (step.kind != StepKind::pointwise || ops.size() < 3 || timesRead(step, 0) != 1 || timesRead(step, 1) != 1) return false;
  if (ops[0].code != Code::load || program.values[ops[0].value].kind != ValueKind::vector) return false;
  const bool product = ops[1].code == Code::mul && ops[1].a + ops[1].b == 1 && ops[1].a != ops[1].b;
  if (!product || timesRead(step, 2) != 1) return false;
  const bool plain = ops[2].code == Code::affine && ops[2].a == 2;
  if (plain) return true;
  // load map, mul, affine; the map may be added, nothing else.
  if (ops.size() < 5 || ops[2].code != Code::load || program.values[ops[2].value].kind != ValueKind::map) return false;
  if (ops[3].code != Code::mul || ops[3].a + ops[3].b != 5 || (ops[3].a != 2 && ops[3].b != 2)) return false;
  if (ops[4].code != Code::affine || ops[4].a != 4 || timesRead(step, 4) != 1) return false;
  const bool added = ops.size() > 5 && ops[5].code == Code::add && ops[5].a + ops[5].b == 8 && ops[5].a != ops[5].b && timesRead(step, 5) == 1;
  return timesRead(step, 3) == (added ? 2 : 1);
}

/** The only store of a value, of all its channels. */
RawOp* onlyStore(Program& program, RawStep& step) {
  RawOp* found = nullptr;
  for (RawOp& op : step.ops) {
    if (op.code != Code::store) continue;
    if (found || op.pooled || op.offset != 0 || program.values[op.value].channels != step.out) return nullptr;
    found = &op;
  }
  return found;
}

}  // namespace

std::vector<int32_t> keepCounts(Program& program) {
  std::vector<int32_t> kept;
  const auto& outputs = program.outputs;
  for (RawStep& step : program.steps) {
    if (!activates(step)) continue;
    RawOp* store = onlyStore(program, step);
    const int64_t products = int64_t{step.kernel[0]} * step.kernel[1] * program.values[step.input].channels / step.groups;
    if (!store || products > kMostCount || program.values[store->value].kind != ValueKind::map) continue;
    const int32_t map = store->value;
    const auto readers = readersOf(program, map, false);
    const bool onlyGates = std::all_of(readers.begin(), readers.end(), [&](const RawStep* reader) { return gates(program, *reader); });
    const bool output = std::find(outputs.begin(), outputs.end(), map) != outputs.end();
    if (readers.empty() || !onlyGates || output || !readersOf(program, map, true).empty()) continue;
    store->asCounts = true;
    for (RawStep& reader : program.steps) {
      if (reader.input != map || reader.skipped) continue;
      reader.inputScale = step.ops[0].s;
      reader.inputShift = step.ops[0].t;
      reader.inputSlope = step.ops[1].s;
    }
    kept.push_back(map);
  }
  return kept;
}

void joinPools(Program& program) {
  for (RawStep& pool : program.steps) {
    if (!halves(pool) || !readsAlone(program, pool) || !writesAlone(program, pool)) continue;
    const int32_t map = pool.input;
    const int32_t means = pool.ops[0].value;
    if (!storesOnly(program, map) || !storesOnly(program, means)) continue;
    for (RawStep& step : program.steps) {
      for (RawOp& op : step.ops) {
        if (op.code != Code::store || op.value != map) continue;
        op.value = means;
        op.pooled = true;
      }
    }
    pool.skipped = true;
    pool.input = means;
    pool.ops.clear();
  }
}

}  // namespace onebit
