#include "budget.h"

#include <string>

#include "sizes.h"

namespace onebit {
namespace {

std::string mebibytes(size_t bytes) { return std::to_string(roundedUp(bytes, size_t{1} << 20) >> 20) + " MiB"; }

}  // namespace

void Budget::take(size_t bytes) {
  if (bytes > left_) {
    throw OverBudget("native: needs more than its memory budget of " + mebibytes(bytes_) + " for weights and tables");
  }
  left_ -= bytes;
}

void Budget::takeArenas(size_t bytes, size_t threads) {
  const size_t all = product(bytes, threads);
  if (all > left_) {
    throw OverBudget("native: needs " + mebibytes(all) + " for the values of an image (" + mebibytes(bytes) + " in each of " +
                     std::to_string(threads) + (threads == 1 ? " thread" : " threads") +
                     "), more than its memory budget of " + mebibytes(bytes_));
  }
  left_ -= all;
}

}  // namespace onebit
