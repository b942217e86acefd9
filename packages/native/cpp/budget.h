// What a program may take of this machine's memory: told before it is taken.
#pragma once
#include <cstddef>
#include <stdexcept>

namespace onebit {

/** The program needs more than it may take. */
struct OverBudget : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Budget {
 public:
  explicit Budget(size_t bytes) : bytes_(bytes), left_(bytes) {}

  /** OverBudget where less is left. */
  void take(size_t bytes);
  /** So many bytes for the values of an image, for each thread. */
  void takeArenas(size_t bytes, size_t threads);
  size_t taken() const { return bytes_ - left_; }

 private:
  size_t bytes_, left_;
};

}  // namespace onebit
