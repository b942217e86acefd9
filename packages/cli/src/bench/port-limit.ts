/**
 * What the ports of a core allow at most: the cycles that a form of the binary convolution needs for
 * some multiply-adds when nothing but its arithmetic counts, loads left out.
 *
 *   limit = clock * multiply-adds / cycles
 *   cycles = max(vector instructions / ports, shuffles / shuffle ports)
 *
 * Ports as in Intel's cores since Ice Lake: three for vectors of up to 256 bits, two of which
 * shuffle; two for 512 bits; one for tiles. Other makers' cores have others: no limit is given there.
 */
interface KernelForm {
  readonly name: string;
  readonly multiplyAdds: number;
  readonly cycles: number;
  /** Where the cycles come from. */
  readonly because: string;
}

const forms = {
  "simd popcount": {
    ...{ name: "SIMD popcount", multiplyAdds: 128, cycles: 8 / 3 },
    because: "xor, i8x16.popcnt (and, and-not, shift, 2 shuffles, add), add: 8 on 3 ports",
  },
  "simd lookup": {
    ...{ name: "SIMD lookup, two pixels", multiplyAdds: 384, cycles: 12 / 3 },
    because: "3 i8x16.swizzle (saturating add, shuffle), 6 adds and shifts: 12 on 3 ports",
  },
  "relaxed lookup": {
    ...{ name: "relaxed SIMD lookup, two pixels", multiplyAdds: 384, cycles: 9 / 3 },
    because: "3 relaxed swizzles (shuffle), 6 adds and shifts: 9 on 3 ports",
  },
  "scalar popcount": {
    ...{ name: "scalar popcount", multiplyAdds: 64, cycles: 1 },
    because: "one popcnt per cycle",
  },
  "avx2 lookup": {
    ...{ name: "AVX2 lookup", multiplyAdds: 128, cycles: 2 / 3 },
    because: "shuffle, add: 2 on 3 ports",
  },
  "avx512 popcount": {
    ...{ name: "AVX-512 VPOPCNTDQ", multiplyAdds: 512, cycles: 3 / 2 },
    because: "xor, popcount, add: 3 on 2 ports",
  },
  "amx tiles": {
    ...{ name: "AMX tiles of 8 bits", multiplyAdds: 16 * 16 * 64, cycles: 16 },
    because: "one product of 16x64 by 64x16 bytes in 16 cycles",
  },
} satisfies { readonly [form: string]: KernelForm };

/** Tried in turn on what a backend says of its kernel. */
const patterns: readonly (readonly [RegExp, keyof typeof forms])[] = [
  [/relaxed/i, "relaxed lookup"],
  [/amx.*tile/i, "amx tiles"],
  [/avx-?512/i, "avx512 popcount"],
  [/avx-?2/i, "avx2 lookup"],
  [/lookup|nibble|swizzle/i, "simd lookup"],
  [/scalar|i64/i, "scalar popcount"],
  [/popc|simd/i, "simd popcount"],
];

export interface PortLimit {
  readonly form: string;
  /** 10^9 multiply-adds per second. */
  readonly gmacs: number;
  /** How it comes about. */
  readonly derivation: string;
}

export interface Core {
  /** As the operating system names it. */
  readonly cpu: string;
  readonly clockGHz: number;
}

/**
 * Limit of the form that a backend says it uses. A wasm backend that does not say is held against
 * the lookup, which allows more than counting does.
 */
export function portLimit(
  backend: string,
  kernel: string | undefined,
  { cpu, clockGHz }: Core,
): PortLimit | undefined {
  if (!/intel/i.test(cpu)) return undefined;
  const said = kernel ?? (backend === "wasm" ? "lookup" : "");
  const key = patterns.find(([pattern]) => pattern.test(said))?.[1];
  if (!key) return undefined;
  const { name, multiplyAdds, cycles, because }: KernelForm = forms[key];
  const perCycle = multiplyAdds / cycles;
  return {
    form: name,
    gmacs: clockGHz * perCycle,
    derivation: `${because}; ${perCycle.toFixed(0)} multiply-adds per cycle at ${clockGHz.toFixed(2)} GHz`,
  };
}
