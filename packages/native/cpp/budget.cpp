#include "budget.h"

#include <string>

#include "sizes.h"

namespace onebit {
namespace {

std::string bytesText(size_t bytes) {
  const size_t kibibytes = bytes / 1024 + (bytes % 1024 != 0);
  if (kibibytes < 10240) return std::to_string(kibibytes) + " KiB";
  return std::to_string(kibibytes / 1024 + (kibibytes % 1024 != 0)) + " MiB";
}

}  // namespace

void Budget::take(size_t bytes) {
  if (bytes > left_) {
    throw OverBudget("native: needs more than its memory budget of " + bytesText(bytes_) + " for weights and tables");
  }
  left_ -= bytes;
}

void Budget::takeArenas(size_t bytes, size_t threads) {
  const size_t all = product(bytes, threads);
  if (all > left_) {
    throw OverBudget("native: needs " + bytesText(all) + " for the values of an image (" + bytesText(bytes) + " in each of " +
                     std::to_string(threads) + (threads == 1 ? " thread" : " threads") +
                     "), more than its memory budget of " + bytesText(bytes_));
  }
  left_ -= all;
}

}  // namespace onebit
