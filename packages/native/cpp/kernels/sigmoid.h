// program/math.ts, operation for operation, without branches so that lanes run side by side.

static inline double expLane(double x) {
  constexpr double kInverseFactorials[] = {1,
                                           1,
                                           0.5,
                                           0.16666666666666666,
                                           0.041666666666666664,
                                           0.008333333333333333,
                                           0.001388888888888889,
                                           0.0001984126984126984,
                                           0.0000248015873015873,
                                           0.0000027557319223985893,
                                           2.755731922398589e-7,
                                           2.505210838544172e-8,
                                           2.08767569878681e-9,
                                           1.6059043836821613e-10};
  const bool inside = x >= -708 && x <= 709;
  const double z = inside ? x : 0;
  const double k = __builtin_floor(z * 1.4426950408889634 + 0.5);
  const double r = z - k * 0.6931471803691238 - k * 1.9082149292705877e-10;
  double p = kInverseFactorials[13];
  for (int i = 12; i >= 0; i--) p = p * r + kInverseFactorials[i];
  const int64_t exponent = (static_cast<int64_t>(static_cast<int32_t>(k)) + 1023) << 52;
  double power;
  __builtin_memcpy(&power, &exponent, sizeof power);
  // NaN stays NaN.
  const double outside = x > 709 ? __builtin_inf() : x < -708 ? 0.0 : x;
  return inside ? p * power : outside;
}

static inline F16 sigmoid(const F16& x) {
  float lanes[kLanes];
  store(lanes, x);
  for (int i = 0; i < kLanes; i++) {
    lanes[i] = static_cast<float>(1.0 / (1.0 + expLane(-static_cast<double>(lanes[i]))));
  }
  return load(lanes);
}
