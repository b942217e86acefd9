// Runs a compiled program on images.
#pragma once
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "compile.h"
#include "pool.h"

namespace onebit {

/** Of a batch: [count, H, W, C], or [count, C, H, W] where they are planes. */
struct Images {
  const float* data;
  bool planes;
  /** How many are there, where others are still copied. */
  const std::atomic<int64_t>* arrived = nullptr;
};

class Executable {
 public:
  Executable(std::unique_ptr<CompiledProgram> program, int32_t threads);

  /** outputs: one per output of the program, [count, ...value]. */
  void run(Images images, int64_t count, const std::vector<float*>& outputs);

  /** A run will follow at once. */
  void expectRun() { pool_.expect(); }

  /** Milliseconds per step of the last run; the first one's with reading the image. */
  std::vector<double> profile() const;
  /** What computes each step. */
  std::vector<std::string> kernels() const;
  /** Memory for the images of a run: the last one's where that suffices. Of one thread at a time. */
  Buffer takeSpare(size_t bytes);
  void giveSpare(Buffer buffer);

  size_t arenaBytes() const { return program_->arenaBytes; }
  /** Of all threads, with weights and tables. */
  size_t memoryBytes() const { return program_->budget.taken(); }
  /** With the caller; fewer than were asked for where the system starts no more. */
  int32_t threads() const { return pool_.threads(); }
  /** Of one image. */
  size_t imageFloats() const;
  std::vector<size_t> outputFloats() const;

 private:
  struct Worker {
    Memory arena;
    Memory tiles;
    Memory scratch;
    std::vector<double> nanoseconds;
  };

  struct Batch {
    Images images;
    const std::vector<float*>* outputs;
  };

  char* arenaOf(Worker& worker);
  size_t floatsOf(int32_t value) const;
  int32_t tasksOf(const CompiledStep& step) const;
  void runTask(Worker& worker, char* arena, const CompiledStep& step, int32_t index);
  void runImage(Worker& worker, const Batch& batch, int64_t image, bool shared);
  void runStep(Worker& worker, char* arena, const CompiledStep& step, bool shared);
  void runShared(char* arena, const CompiledStep& step);
  void readImage(char* arena, const Batch& batch, int64_t image) const;
  void writeOutputs(const char* arena, const Batch& batch, int64_t image) const;

  std::unique_ptr<CompiledProgram> program_;
  std::vector<Worker> workers_;
  Buffer spare_;
  std::mutex running_;
  Pool pool_;
};

}  // namespace onebit
