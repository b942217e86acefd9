// Micro-ops of program/micro-ops.ts, in the order of its table. HANDLED: what reads and writes values, which
// kernels/epilogue.h does. COMPUTED: with the statements that change the group g of pixels (see there), op being the
// micro-op and c the first channel of its block; other values of two are at hand as withOther's second.
#pragma once

#define ONEBIT_MICRO_OPS(HANDLED, COMPUTED)                                                              \
  HANDLED(load)                                                                                          \
  COMPUTED(affine, const F16 s = load(op->s + c), t = load(op->t + c);                                   \
           g.each([&](const F16& r) { return r * s + t; }))                                              \
  COMPUTED(shift, const F16 t = load(op->s + c); g.each([&](const F16& r) { return r + t; }))            \
  COMPUTED(scale, const F16 s = load(op->s + c); g.each([&](const F16& r) { return r * s; }))            \
  COMPUTED(prelu, const F16 s = load(op->s + c);                                                         \
           g.each([&](const F16& r) { return selectGreater(r, broadcast(0), r, r * s); }))               \
  COMPUTED(relu, const F16 zero = broadcast(0);                                                          \
           g.each([&](const F16& r) { return selectGreater(r, zero, r, zero); }))                        \
  COMPUTED(sigmoid, g.applySigmoid())                                                                    \
  COMPUTED(hardSigmoid, g.each(hardSigmoidOf))                                                           \
  COMPUTED(clamp, const F16 low = broadcast(op->low), high = broadcast(op->high);                        \
           g.each([&](const F16& r) {                                                                    \
             return selectGreater(low, r, low, selectGreater(r, high, high, r));                         \
           }))                                                                                           \
  COMPUTED(add, g.withOther(*op, [](const F16& r, const F16& q) { return r + q; }))                      \
  COMPUTED(mul, g.withOther(*op, [](const F16& r, const F16& q) { return r * q; }))                      \
  COMPUTED(mix, const F16 a = load(op->s + c), rest = broadcast(1) - a;                                  \
           g.withOther(*op, [&](const F16& p, const F16& y) { return a * p + rest * y; }))               \
  HANDLED(store)                                                                                         \
  HANDLED(bits)                                                                                          \
  HANDLED(mean)                                                                                          \
  HANDLED(mean2x2)                                                                                       \
  COMPUTED(sign, const F16 t = load(op->s + c);                                                          \
           if (op->orEqual) g.each([&](const F16& r) { return fromSigns(maskAbove<true>(r, t)); });      \
           else g.each([&](const F16& r) { return fromSigns(maskAbove<false>(r, t)); }))                 \
  COMPUTED(max, g.withOther(*op, [](const F16& r, const F16& q) { return selectGreater(r, q, r, q); }))  \
  COMPUTED(min, g.withOther(*op, [](const F16& r, const F16& q) { return selectGreater(q, r, r, q); }))  \
  COMPUTED(round, g.each(wholeOf))
