// Arithmetic on sizes that a program decides: what does not fit is an error, never another number.
#pragma once
#include <cstddef>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace onebit {

[[noreturn]] inline void throwTooLarge() {
  throw std::runtime_error("native: this program's sizes are beyond what can be computed with");
}

/** The same number in another integer type. */
template <typename To, typename From>
To exactly(From x) {
  static_assert(std::is_integral_v<To> && std::is_integral_v<From>);
  if (!std::in_range<To>(x)) throwTooLarge();
  return static_cast<To>(x);
}

template <typename... Factors>
size_t product(Factors... factors) {
  size_t result = 1;
  const bool over = (... | __builtin_mul_overflow(result, exactly<size_t>(factors), &result));
  if (over) throwTooLarge();
  return result;
}

template <typename... Terms>
size_t sum(Terms... terms) {
  size_t result = 0;
  const bool over = (... | __builtin_add_overflow(result, exactly<size_t>(terms), &result));
  if (over) throwTooLarge();
  return result;
}

/** As many whole units as hold it. */
inline size_t roundedUp(size_t x, size_t unit) { return product(sum(x, unit - 1) / unit, unit); }

}  // namespace onebit
