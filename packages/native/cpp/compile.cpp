#include "compile.h"

#include <algorithm>

#include "epilogue.h"
#include "remake.h"
#include "sizes.h"
#include "weights.h"

namespace onebit {

namespace {

/** Scratch memory of a step. */
struct Scratch {
  std::vector<Range> sums;
  Range packed{0, 0, 0};
  Range ranges{0, 0, 0};
};

int32_t sumStrideOf(const Value& shape) { return exactly<int32_t>(roundedUp(exactly<size_t>(shape.channels), kLanes)); }

/** Where spreading bits to bytes pays: pixels and products enough (decision 0007 has the figures). */
bool bytesPay(const RawStep& step, const Value& shape, int64_t chunks) {
  const int64_t pixels = int64_t{shape.height} * shape.width;
  const bool many = chunks >= 4 && pixels >= 128;
  const bool deep = chunks >= 32 && pixels >= 32 && step.stride[1] == 1;
  return step.out >= kLanes && (many || deep);
}

/** Bytes want channels of one group and weights that fit the scratch; tests want them wherever they go. */
PanelFormat formatOf(const Program& program, const RawStep& step, const Isa* isa, bool anySize) {
  if (isa->format != PanelFormat::bytes) return isa->format;
  const int64_t words = (program.values[step.input].channels + 31) / 32;
  const int64_t chunks = step.kernel[0] * ((step.kernel[1] * words + 1) / 2);
  const bool dilated = step.dilation[0] > 1 || step.dilation[1] > 1;
  const bool fits = step.groups == 1 && !dilated && !step.replicates() && chunks <= kMostChunks;
  const bool pays = bytesPay(step, outputShape(program, step), chunks);
  return fits && (pays || anySize) ? PanelFormat::bytes : PanelFormat::words;
}

/** Tiles of byte kernels, as StepJob has them. */
struct Tiling {
  int32_t pixels, pitch;
};

Tiling tilingOf(const RawStep& step, int32_t width, int32_t inputWidth) {
  if (step.stride[0] == 1 && step.stride[1] == 1)
    return {kTilePixels, exactly<int32_t>(sum(inputWidth, step.padding[1], step.end[1]))};
  const int32_t tiles = (width + kTilePixels - 1) / kTilePixels;
  const int32_t pixels = (width + tiles - 1) / tiles;
  return {pixels, tiles * pixels};
}

bool unrolls(const RawStep& step) { return step.dilation[1] > 1; }
bool repacks(const Program& program, const RawStep& step) {
  if (groupsTogether(program, step) == kLanes) return false;
  return step.groups > 1 || step.replicates() || unrolls(step);
}

/** Words of a pixel of a repacked group, and of a row; rows. */
int32_t packedPixel(const Program& program, const RawStep& step) {
  const int32_t words = (program.values[step.input].channels / step.groups + 31) / 32;
  return unrolls(step) ? exactly<int32_t>(product(words, step.kernel[1])) : words;
}

size_t packedRow(const Program& program, const RawStep& step) {
  const size_t pixels = unrolls(step)
                            ? exactly<size_t>(outputShape(program, step).width)
                            : sum(program.values[step.input].width, step.padding[1], step.end[1]);
  return product(packedPixel(program, step), pixels);
}

size_t packedRows(const Program& program, const RawStep& step) {
  return sum(program.values[step.input].height, step.padding[0], step.end[0]);
}

Scratch scratchOf(const Program& program, const RawStep& step, int32_t index) {
  Scratch scratch;
  const Value shape = outputShape(program, step);
  for (const RawOp& op : step.ops) {
    if (op.code != Code::mean) continue;
    scratch.sums.push_back({product(shape.height, sumStrideOf(shape), 4), index, index});
  }
  if (step.kind == StepKind::binaryConv && repacks(program, step)) {
    const size_t group = product(packedRow(program, step), packedRows(program, step));
    scratch.packed = {product(group, step.groups, 4), index, index};
  }
  if (step.kind == StepKind::quantise)
    scratch.ranges = {product(sum(shape.channels, kLanes), 2, 4), index, index};
  return scratch;
}

class Compiler {
 public:
  Compiler(Program program, const Isa* isa, const CompileOptions& options)
      : result_(std::make_unique<CompiledProgram>(options.memory)), options_(options) {
    result_->program = std::move(program);
    result_->isa = isa;
  }

  std::unique_ptr<CompiledProgram> compile() {
    CompiledProgram& r = *result_;
    if (r.isa->remakes || options_.apart) remakeMaps(r.program, options_.apart);
    for (const RawStep& step : r.program.steps)
      divisions_.push_back(divisionOf(r.program, step, options_.threads));
    r.layout = layOut(r.program, divisions_, options_.threads, options_.apart);
    const int32_t count = static_cast<int32_t>(r.program.steps.size());
    for (int32_t i = 0; i < count; i++) {
      scratch_.push_back(scratchOf(r.program, r.program.steps[i], i));
    }
    assign();
    const size_t threads = exactly<size_t>(options_.threads);
    r.budget.takeArenas(r.arenaBytes, threads);
    ChannelVectors vectors(r.program, r.constants);
    r.tiles = 0;
    r.inputClears = clearsOf(0);
    r.steps.resize(count);
    for (int32_t i = 0; i < count; i++) {
      compileStep(i, r.steps[i], vectors);
    }
    r.budget.take(product(threads, sum(r.scratchBytes, bytesOfTiles(r.tiles))));
    for (Tensor& tensor : r.program.tensors) tensor = {};
    return std::move(result_);
  }

 private:
  bool inParts(size_t value) const {
    return result_->layout.partings[value].kind != Parting::Kind::whole;
  }

  /** First what all threads share, then a region for each thread's part of the maps. */
  void assign() {
    CompiledProgram& r = *result_;
    std::vector<Range*> shared, parts;
    for (size_t i = 0; i < r.layout.ranges.size(); i++) {
      Range& home = r.layout.ranges[r.layout.homes[i]];
      home.last = std::max(home.last, r.layout.ranges[i].last);
      // Nobody touches what a remade map would have been.
      const bool used = home.first <= home.last;
      if (used && &home == &r.layout.ranges[i]) (inParts(i) ? parts : shared).push_back(&home);
    }
    for (Scratch& scratch : scratch_) {
      for (Range& range : scratch.sums) shared.push_back(&range);
      for (Range* range : {&scratch.packed, &scratch.ranges}) {
        if (range->bytes > 0) shared.push_back(range);
      }
    }
    const size_t first = assignOffsets(shared, options_.apart);
    const size_t region = assignOffsets(parts, options_.apart);
    for (Range* range : parts) range->offset += first;
    for (size_t i = 0; i < r.layout.places.size(); i++) {
      r.layout.ranges[i].offset = r.layout.ranges[r.layout.homes[i]].offset;
      r.layout.places[i].offset += r.layout.ranges[i].offset;
      if (inParts(i)) r.layout.places[i].jump += exactly<int64_t>(region);
    }
    r.arenaBytes = sum(first, product(region, options_.threads));
    if (!options_.apart) return;
    for (const Range* range : shared) guardAfter(*range, 0);
    for (int32_t part = 0; part < options_.threads; part++) {
      for (const Range* range : parts) guardAfter(*range, product(part, region));
    }
  }

  void guardAfter(const Range& range, size_t offset) {
    result_->guards.push_back(sum(range.offset, roundedUp(range.bytes, 64), offset));
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
    std::copy_n(raw.end, 2, job.end);
    std::copy_n(raw.dilation, 2, job.dilation);
    job.groups = raw.groups;
    job.groupsTogether = groupsTogether(r.program, raw);
    job.average = raw.kind == StepKind::pool && raw.mode == 1;
    r.budget.take(product(shape.channels, sizeof(Block)));
    step.blocks = blocksOf(shape.channels, job.groupsTogether > 1 ? 1 : std::max(1, raw.groups));
    job.blocks = step.blocks.data();
    job.blockCount = static_cast<int32_t>(step.blocks.size());
    step.clears = clearsOf(index + 1);
    compileKernel(index, job, raw, input);
    EpilogueInput epilogueInput = {raw, r.layout, {}, sumStrideOf(shape)};
    for (const Range& sums : scratch_[index].sums) epilogueInput.sums.push_back(sums.offset);
    CompiledEpilogue epilogue = compileEpilogue(epilogueInput, vectors);
    step.ops = std::move(epilogue.ops);
    r.tiles = std::max(r.tiles, epilogue.tiles);
    placeMeans(index, step, shape);
    job.ops = step.ops.data();
    job.opCount = static_cast<int32_t>(step.ops.size());
    job.copies = raw.kind == StepKind::shuffle && input.kind == ValueKind::bits && copiesBits(step);
    divide(index, step, raw, input);
    r.scratchBytes = std::max(r.scratchBytes, placeSpread(step));
  }

  void compileKernel(int32_t index, StepJob& job, const RawStep& raw, const Value& input) {
    CompiledProgram& r = *result_;
    const int32_t groupChannels = input.channels / std::max(1, raw.groups);
    if (raw.kind == StepKind::binaryConv) {
      const Tensor& weight = r.program.tensors[raw.weight];
      const int32_t words = (groupChannels + 31) / 32;
      job.rowLength = exactly<int32_t>(product(raw.kernel[1], words));
      job.format = formatOf(r.program, raw, r.isa, options_.apart);
      const Tiling tiling = tilingOf(raw, job.width, input.width);
      job.tilePixels = tiling.pixels;
      job.pitch = tiling.pitch;
      job.repack = repacks(r.program, raw);
      job.replicate = raw.replicates();
      job.unrolled = job.repack && unrolls(raw);
      if (job.groupsTogether == kLanes)
        tileDepthwise(job, weight, r.constants);
      else
        tileBinary(job, weight, groupChannels, r.constants);
      // What replicates needs no correction, as where zero bits stand for -1.
      deriveBorders(job, weight, groupChannels, job.replicate ? -1 : raw.mode, r.constants);
      if (job.repack) placePacked(scratch_[index].packed, job, raw, input);
    }
    if (raw.kind == StepKind::shuffle) job.places = placesOf(raw, input, job.input, r.constants);
    if (raw.kind == StepKind::conv) {
      job.positionLength = groupChannels;
      job.rowLength = exactly<int32_t>(product(raw.kernel[1], groupChannels));
      const size_t products = product(raw.kernel[0], job.rowLength);
      tileFloats(job, r.program.tensors[raw.weight], exactly<int32_t>(products), r.constants);
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

  void placePacked(const Range& range, StepJob& job, const RawStep& raw, const Value& input) const {
    const Program& program = result_->program;
    const int32_t pixel = packedPixel(program, raw);
    const size_t row = packedRow(program, raw);
    const size_t left = job.unrolled ? 0 : product(pixel, job.padding[1]);
    const size_t start = sum(product(row, job.padding[0]), left);
    job.packedGroup = product(row, packedRows(program, raw));
    job.packed = {sum(range.offset, product(start, 4)), exactly<int64_t>(row), kLanes, pixel, input.channels, ValueKind::bits};
  }

  /** Where each channel of a shuffle comes from. */
  static const int64_t* placesOf(const RawStep& raw, const Value& input, const Place& place, Constants& constants) {
    const int64_t unit = place.kind == ValueKind::bits ? 32 : 1;
    const int64_t pixels = int64_t{input.height} * input.width;
    const int64_t count = raw.mode ? pixels * input.channels : input.channels;
    int64_t* places = constants.allocate<int64_t>(exactly<size_t>(raw.out + kLanes));
    for (int32_t c = 0; c < raw.out; c++) {
      const int64_t i = int64_t{raw.first} + c;
      places[c] = -1;
      if (i < 0 || i >= count) continue;
      const int64_t from = i % raw.dealt * (count / raw.dealt) + i / raw.dealt;
      const int64_t pixel = from / input.channels;
      const int64_t start = pixel / input.width * place.row + pixel % input.width * place.pixel;
      const int64_t channel = from % input.channels;
      places[c] = unit * start + (unit == 1 ? channel / kLanes * place.block + channel % kLanes : channel);
    }
    return places;
  }

  /** After the accumulator there are only writes of bits, whose thresholds part -1 from +1. */
  static bool copiesBits(const CompiledStep& step) {
    return std::all_of(step.ops.begin() + 1, step.ops.end(), [&](const MicroOp& op) {
      return op.code == Code::bits && std::all_of(op.s, op.s + step.job.channels, [&](float t) {
        return op.orEqual ? t > -1 && t <= 1 : t >= -1 && t < 1;
      });
    });
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

  /** Of a task of byte kernels: weights, input and counts. */
  static size_t placeSpread(CompiledStep& step) {
    StepJob& job = step.job;
    if (job.format != PanelFormat::bytes) return 0;
    const int32_t words = job.input.pixel, planes = spreadPlanes(words);
    const int32_t rows = spreadRows(job, step.taskRows);
    const size_t pixel = product(words, 32) / exactly<size_t>(planes);
    const size_t row = product(pixel, sum(job.inputWidth, job.padding[1], job.end[1]));
    const size_t plane = product(row, rows);
    job.spread = {exactly<int64_t>(plane), exactly<int64_t>(row), exactly<int64_t>(pixel)};
    // The last tile may look past the last row, the last window to the end of its last 64 bytes.
    const size_t past = sum(product(kTilePixels, job.stride[1], pixel), 64);
    job.spreadBytes = roundedUp(sum(product(plane, planes), past), 64);
    const size_t counts = product(tilePixelsOf(job, step.taskRows), kLanes, 4);
    return sum(kSpreadBytes, job.spreadBytes, product(kSpreadBlocks, counts));
  }

  /** Cuts the parts of a step into tasks. */
  void divide(int32_t index, CompiledStep& step, const RawStep& raw, const Value& input) const {
    const StepJob& job = step.job;
    step.serial = options_.threads == 1 || (cyclesOf(step, raw, input) < 20000 && !options_.apart);
    step.division = divisions_[index];
    step.job.parts = step.division.byBlocks ? options_.threads : 1;
    step.taskRows = job.height;
    if (step.division.byBlocks) return;
    step.taskRows = std::min(step.division.size, std::max(rowsTogether(job), job.height >> 16));
    // Byte kernels spread their weights once per task; others leave something to help with.
    if (!step.serial && job.format != PanelFormat::bytes)
      step.taskRows = std::min(step.taskRows, (step.division.size + 3) / 4);
    roundRows(step);
  }

  /** Enough for each use of the weights, few enough that their input or their counts stay in cache. */
  static int32_t rowsTogether(const StepJob& job) {
    if (job.kind == StepKind::pointwise) return job.height;
    const int32_t segments = job.format == PanelFormat::bytes ? 64 : 2;
    return std::max(1, segments * kSegment / job.width);
  }

  /** Below some microseconds, waking the others costs more than they save. */
  static double cyclesOf(const CompiledStep& step, const RawStep& raw, const Value& input) {
    const StepJob& job = step.job;
    const double products = double(raw.kernel[0]) * raw.kernel[1] * input.channels / std::max(1, raw.groups);
    double perOutput = 0.1 * (2 + double(step.ops.size()));
    if (raw.kind == StepKind::binaryConv) perOutput += products / 300;
    // Each weight is used once: they come from memory.
    if (raw.kind == StepKind::linear) perOutput += input.channels;
    if (raw.kind == StepKind::conv || raw.kind == StepKind::pool) perOutput += products / 8;
    return perOutput * job.height * job.width * job.channels;
  }

  /** Both rows of a 2x2 mean belong to one task. */
  static void roundRows(CompiledStep& step) {
    const bool halves = std::any_of(step.ops.begin(), step.ops.end(), [](const MicroOp& op) {
      return op.code == Code::mean2x2;
    });
    if (halves) step.taskRows += step.taskRows % 2;
  }

  std::unique_ptr<CompiledProgram> result_;
  CompileOptions options_;
  std::vector<Division> divisions_;
  std::vector<Scratch> scratch_;
};

}  // namespace

std::unique_ptr<CompiledProgram> compileProgram(Program program, const Isa* isa,
                                                const CompileOptions& options) {
  return Compiler(std::move(program), isa, options).compile();
}

}  // namespace onebit
