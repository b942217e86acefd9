#include "compile.h"

#include <algorithm>

#include "epilogue.h"
#include "join.h"
#include "remake.h"
#include "weights.h"

namespace onebit {

namespace {

/** Threads may not share a word of bits. */
constexpr int32_t kWordBits = 32;

/** Scratch memory of a step. */
struct Scratch {
  std::vector<Range> sums;
  Range packed{0, 0, 0};
  Range ranges{0, 0, 0};
};

int32_t sumStrideOf(const Value& shape) { return (shape.channels + kLanes - 1) / kLanes * kLanes; }

/** Where spreading bits to bytes pays: pixels and products enough (decision 0007 has the figures). */
bool bytesPay(const RawStep& step, const Value& shape, int64_t chunks) {
  const int32_t pixels = shape.height * shape.width;
  const bool many = chunks >= 4 && pixels >= 128;
  const bool deep = chunks >= 32 && pixels >= 32 && step.stride[1] == 1;
  return step.out >= kLanes && (many || deep);
}

/** Bytes want channels of one group and weights that fit the scratch; tests want them wherever they go. */
PanelFormat formatOf(const Program& program, const RawStep& step, const Isa* isa, bool anySize) {
  if (isa->format != PanelFormat::bytes) return isa->format;
  const int32_t words = (program.values[step.input].channels + 31) / 32;
  const int64_t chunks = int64_t{step.kernel[0]} * ((step.kernel[1] * words + 1) / 2);
  const bool fits = step.groups == 1 && chunks <= kMostChunks;
  const bool pays = bytesPay(step, outputShape(program, step), chunks);
  return fits && (pays || anySize) ? PanelFormat::bytes : PanelFormat::words;
}

/** Tiles of byte kernels, as StepJob has them. */
struct Tiling {
  int32_t pixels, pitch;
};

Tiling tilingOf(const RawStep& step, int32_t width, int32_t inputWidth) {
  if (step.stride[0] == 1 && step.stride[1] == 1)
    return {kTilePixels, inputWidth + 2 * step.padding[1]};
  const int32_t tiles = (width + kTilePixels - 1) / kTilePixels;
  const int32_t pixels = (width + tiles - 1) / tiles;
  return {pixels, tiles * pixels};
}

Scratch scratchOf(const Program& program, const RawStep& step, int32_t index, PanelFormat format) {
  Scratch scratch;
  const Value shape = outputShape(program, step);
  for (const RawOp& op : step.ops) {
    if (op.code != Code::mean) continue;
    scratch.sums.push_back({size_t(shape.height) * sumStrideOf(shape) * 4, index, index});
  }
  if (step.kind == StepKind::binaryConv) {
    const Value& input = program.values[step.input];
    const bool bytes = format == PanelFormat::bytes;
    const size_t words = (input.channels / step.groups + 31) / 32;
    const size_t pixels = size_t(input.height + 2 * step.padding[0]) * (input.width + 2 * step.padding[1]);
    if (step.groups > 1) scratch.packed = {words * pixels * step.groups * 4, index, index};
    // The last tile may look past the last row, the last window to the end of its last 64 bytes.
    const size_t past = size_t(kTilePixels) * step.stride[1] * words * 32 + 64;
    if (bytes) scratch.packed = {words * pixels * 32 + past, index, index};
  }
  if (step.kind == StepKind::quantise)
    scratch.ranges = {size_t(shape.channels + kLanes) * 2 * 4, index, index};
  return scratch;
}

class Compiler {
 public:
  Compiler(Program program, const Isa* isa, const CompileOptions& options)
      : result_(std::make_unique<CompiledProgram>()), options_(options) {
    result_->program = std::move(program);
    result_->isa = isa;
  }

  std::unique_ptr<CompiledProgram> compile() {
    CompiledProgram& r = *result_;
    joinPools(r.program);
    remakeMaps(r.program, options_.apart);
    r.layout = layOut(r.program, options_.apart);
    const int32_t count = static_cast<int32_t>(r.program.steps.size());
    for (int32_t i = 0; i < count; i++) {
      const RawStep& step = r.program.steps[i];
      scratch_.push_back(scratchOf(r.program, step, i, formatOf(r.program, step, r.isa, options_.apart)));
    }
    assign();
    ChannelVectors vectors(r.program, r.constants);
    r.tiles = 0;
    r.inputClears = clearsOf(0);
    r.steps.resize(count);
    for (int32_t i = 0; i < count; i++) {
      compileStep(i, r.steps[i], vectors);
    }
    for (Tensor& tensor : r.program.tensors) tensor = {};
    return std::move(result_);
  }

 private:
  void assign() {
    CompiledProgram& r = *result_;
    std::vector<Range*> ranges;
    for (size_t i = 0; i < r.layout.ranges.size(); i++) {
      Range& home = r.layout.ranges[r.layout.homes[i]];
      home.last = std::max(home.last, r.layout.ranges[i].last);
      if (&home == &r.layout.ranges[i]) ranges.push_back(&home);
    }
    for (Scratch& scratch : scratch_) {
      for (Range& range : scratch.sums) ranges.push_back(&range);
      for (Range* range : {&scratch.packed, &scratch.ranges}) {
        if (range->bytes > 0) ranges.push_back(range);
      }
    }
    r.arenaBytes = assignOffsets(ranges, options_.apart);
    for (size_t i = 0; i < r.layout.places.size(); i++) {
      r.layout.ranges[i].offset = r.layout.ranges[r.layout.homes[i]].offset;
      r.layout.places[i].offset += r.layout.ranges[i].offset;
    }
    if (!options_.apart) return;
    for (const Range* range : ranges) r.guards.push_back(range->offset + (range->bytes + 63) / 64 * 64);
  }

  std::vector<Range> clearsOf(int32_t index) const {
    std::vector<Range> clears;
    for (const int32_t value : result_->layout.clears[index]) clears.push_back(result_->layout.ranges[value]);
    return clears;
  }

  void compileStep(int32_t index, CompiledStep& step, ChannelVectors& vectors) {
    CompiledProgram& r = *result_;
    const RawStep& raw = r.program.steps[index];
    const Value& input = r.program.values[raw.input];
    const Value shape = outputShape(r.program, raw);
    StepJob& job = step.job;
    job = StepJob{};
    job.kind = raw.kind;
    job.input = r.layout.places[raw.input];
    job.inputHeight = input.height;
    job.inputWidth = input.width;
    job.height = shape.height;
    job.width = shape.width;
    job.channels = shape.channels;
    std::copy_n(raw.kernel, 2, job.kernel);
    std::copy_n(raw.stride, 2, job.stride);
    std::copy_n(raw.padding, 2, job.padding);
    job.groups = raw.groups;
    job.average = raw.kind == StepKind::pool && raw.mode == 1;
    step.blocks = blocksOf(shape.channels, std::max(1, raw.groups));
    job.blocks = step.blocks.data();
    job.blockCount = static_cast<int32_t>(step.blocks.size());
    step.clears = clearsOf(index + 1);
    compileKernel(index, job, raw, input);
    EpilogueInput epilogueInput = {raw, r.program.values, r.layout, {}, sumStrideOf(shape)};
    for (const Range& sums : scratch_[index].sums) epilogueInput.sums.push_back(sums.offset);
    CompiledEpilogue epilogue = compileEpilogue(epilogueInput, vectors);
    step.ops = std::move(epilogue.ops);
    r.tiles = std::max(r.tiles, epilogue.tiles);
    placeMeans(index, step, shape);
    job.ops = step.ops.data();
    job.opCount = static_cast<int32_t>(step.ops.size());
    divide(step, raw, input);
    r.scratchBytes = std::max(r.scratchBytes, scratchBytesOf(step));
  }

  void compileKernel(int32_t index, StepJob& job, const RawStep& raw, const Value& input) {
    CompiledProgram& r = *result_;
    const int32_t groupChannels = input.channels / std::max(1, raw.groups);
    if (raw.kind == StepKind::binaryConv) {
      const Tensor& weight = r.program.tensors[raw.weight];
      const int32_t words = (groupChannels + 31) / 32;
      job.rowLength = raw.kernel[1] * words;
      job.format = formatOf(r.program, raw, r.isa, options_.apart);
      job.spread = job.format == PanelFormat::bytes;
      const Tiling tiling = tilingOf(raw, job.width, input.width);
      job.tilePixels = tiling.pixels;
      job.pitch = tiling.pitch;
      job.repack = raw.groups > 1;
      tileBinary(job, weight, groupChannels, r.constants);
      deriveBorders(job, weight, groupChannels, raw.mode, r.constants);
      if (job.repack) placePacked(scratch_[index].packed, job, input, words);
      if (job.spread) placePacked(scratch_[index].packed, job, input, words * 8 / spreadPlanes(words));
    }
    if (raw.kind == StepKind::conv) {
      job.positionLength = groupChannels;
      job.rowLength = raw.kernel[1] * groupChannels;
      tileFloats(job, r.program.tensors[raw.weight], raw.kernel[0] * job.rowLength, r.constants);
    }
    if (raw.kind == StepKind::linear) {
      job.rowLength = input.channels;
      tileFloats(job, r.program.tensors[raw.weight], input.channels, r.constants);
    }
    if (raw.kind == StepKind::quantise) {
      job.clip = raw.clip;
      job.levels = static_cast<float>((1 << raw.bits) - 1);
      job.perChannel = raw.mode == 1;
      job.ranges = scratch_[index].ranges.offset;
      job.rangeStride = input.channels + kLanes;
    }
  }

  static void placePacked(const Range& range, StepJob& job, const Value& input, int32_t words) {
    const int64_t row = int64_t{words} * (input.width + 2 * job.padding[1]);
    const size_t start = size_t(row) * job.padding[0] + size_t(words) * job.padding[1];
    const int64_t whole = row * (input.height + 2 * job.padding[0]);
    job.packedGroup = size_t(whole);
    job.packed = {range.offset + start * 4, row, whole, words, input.channels, ValueKind::bits};
  }

  void placeMeans(int32_t index, CompiledStep& step, const Value& shape) {
    const CompiledProgram& r = *result_;
    size_t next = 0;
    for (const RawOp& op : r.program.steps[index].ops) {
      if (op.code != Code::mean) continue;
      const size_t sums = scratch_[index].sums[next++].offset;
      step.means.push_back({sums, sumStrideOf(shape), shape.height, shape.width, shape.channels,
                            r.layout.places[op.value], op.offset});
    }
  }

  /** Weights and counts of byte kernels. */
  static size_t scratchBytesOf(const CompiledStep& step) {
    if (!step.job.spread) return 0;
    return kSpreadBytes +
           kSpreadBlocks * (size_t(tilePixelsOf(step.job, step.taskRows)) * kLanes * 4);
  }

  /**
   * Cuts a step into tasks. Rows, the same share of every step for each thread, so that maps stay in
   * the cache of the core that wrote them; of small maps blocks of channels, so that weights are read
   * once.
   */
  void divide(CompiledStep& step, const RawStep& raw, const Value& input) const {
    const StepJob& job = step.job;
    step.skipped = raw.skipped;
    step.serial = options_.threads == 1 || (cyclesOf(step, raw, input) < 20000 && !options_.apart);
    // Enough pixels for each use of the weights, few enough that counts stay in cache.
    const int32_t pixels = (job.spread ? 64 : 2) * kSegment;
    step.taskRows = std::min(job.height, std::max({1, pixels / job.width, job.height >> 16}));
    step.taskBlocks = job.blockCount;
    if (step.serial) return;
    const bool divisible =
        raw.groups <= 1 && std::all_of(raw.ops.begin(), raw.ops.end(), [](const RawOp& op) {
          return op.code != Code::bits || op.offset % kWordBits == 0;
        });
    const int32_t threads = options_.threads;
    // Byte kernels spread their weights once per task.
    if (divisible && job.height < (job.spread ? 8 : 4) * threads) {
      step.taskRows = job.height;
      step.taskBlocks = share(job.blockCount, threads, kWordBits / kLanes);
    } else {
      const int32_t tasks = job.spread ? threads : 2 * threads;
      step.taskRows = std::min(step.taskRows, share(job.height, tasks, 1));
    }
    roundRows(step);
  }

  /** A part of `count` of about the same size as the others, in units. */
  static int32_t share(int32_t count, int32_t parts, int32_t unit) {
    const int32_t part = (count + parts - 1) / parts;
    return (part + unit - 1) / unit * unit;
  }

  /** Below some microseconds, waking the others costs more than they save. */
  static double cyclesOf(const CompiledStep& step, const RawStep& raw, const Value& input) {
    const StepJob& job = step.job;
    const double products = double(raw.kernel[0]) * raw.kernel[1] * input.channels / std::max(1, raw.groups);
    double perOutput = 0.1 * (2 + step.ops.size());
    if (raw.kind == StepKind::binaryConv) perOutput += products / 300;
    // Each weight is used once: they come from memory.
    if (raw.kind == StepKind::linear) perOutput += input.channels;
    if (raw.kind == StepKind::conv || raw.kind == StepKind::pool) perOutput += products / 8;
    return perOutput * job.height * job.width * job.channels;
  }

  /** Both rows of a 2x2 mean belong to one task. */
  static void roundRows(CompiledStep& step) {
    const bool pooled = std::any_of(step.ops.begin(), step.ops.end(), [](const MicroOp& op) {
      return op.code == Code::storePooled;
    });
    if (pooled) step.taskRows += step.taskRows % 2;
  }

  std::unique_ptr<CompiledProgram> result_;
  CompileOptions options_;
  std::vector<Scratch> scratch_;
};

}  // namespace

std::unique_ptr<CompiledProgram> compileProgram(Program program, const Isa* isa,
                                                const CompileOptions& options) {
  return Compiler(std::move(program), isa, options).compile();
}

}  // namespace onebit
