import { GraphBuilder } from "../graph/builder.js";
import {
  batchNorm,
  binaryConv2d,
  conv2d,
  globalAveragePool,
  learnableBias,
  linear,
  prelu,
  sign,
  squeezeExcite,
} from "../graph/layers.js";
import type { Graph } from "../graph/types.js";
import { randomStream } from "./draw.js";

/**
 * A small network from a seed, of everything that can be packed: binary convolutions of every
 * geometry, signs read once, twice and as numbers, gates, concatenations, residuals, constants.
 */
export function randomGraph(seed: number): Graph {
  return new Generator(seed).graph();
}

class Generator {
  readonly #random: () => number;
  readonly #b: GraphBuilder;
  #count = 0;

  constructor(seed: number) {
    this.#random = randomStream(seed);
    this.#b = new GraphBuilder(`random ${seed}`);
  }

  graph(): Graph {
    const b = this.#b;
    const size = this.#int(1, 9);
    let x = b.input("x", [1, this.#int(1, 5), size, this.#int(1, 9)]);
    for (let n = this.#int(2, 6); n > 0; n--) {
      x = this.#unit(x);
      if (this.#chance(0.3)) b.output(`stage-${n}`, x);
    }
    b.output("logits", this.#head(x));
    return b.build();
  }

  #head(x: string): string {
    const b = this.#b;
    if (this.#chance(0.3)) {
      return linear(b, "fc", b.op("reshape", [x], { shape: [0, -1] }), this.#int(1, 4));
    }
    const features = globalAveragePool(b, "pool", x);
    if (this.#chance(0.5)) b.output("features", features);
    return linear(b, "fc", features, this.#int(1, 4), "fc", this.#bits(8));
  }

  #unit(x: string): string {
    const b = this.#b;
    const units: (() => string)[] = [
      () => this.#binaryUnit(x),
      () => this.#binaryUnit(x),
      () => this.#binaryUnit(x),
      () => this.#map(x),
      () => this.#map(this.#map(x)),
      () => batchNorm(b, this.#key("real"), this.#real(x)),
      () => b.op("mul", [this.#gate(x, x), x]),
      () => this.#concat(x),
      () => this.#pool(x),
      () => this.#signsAsNumbers(x),
    ];
    return this.#pick(units)();
  }

  #binaryUnit(x: string): string {
    const b = this.#b;
    const channels = b.shape(x)[1];
    const out = this.#chance(0.6) ? channels : channels * 2;
    const key = this.#key("unit");
    const signs = this.#signs(x);
    const y0 = batchNorm(b, `${key}.norm`, this.#binaryConv(signs, out));
    let y = this.#chance(0.5) ? this.#map(y0) : y0;
    const same = b.shape(y).join() === b.shape(x).join();
    if (same && this.#chance(0.5)) {
      const mixed = this.#chance(0.5) ? this.#mix(x, y) : y;
      y = b.op("mul", [this.#gate(mixed, y), y]);
      if (this.#chance(0.5)) {
        y = batchNorm(b, `${key}.norm2`, b.op("mul", [y, prelu(b, `${key}.elm`, x)]));
      }
    }
    return same ? b.op("add", [y, x]) : y;
  }

  #signs(x: string): string {
    const key = this.#key("sign");
    const zero = this.#chance(0.5) ? 1 : -1;
    const shifted = this.#chance(0.8) ? learnableBias(this.#b, `${key}.move`, x) : x;
    return sign(this.#b, key, shifted, { zero });
  }

  #binaryConv(signs: string, out: number): string {
    const b = this.#b;
    const [, channels, h, w] = b.shape(signs);
    const kernel = this.#pick([1, 3, 2]);
    const padding = this.#pick([0, 1, 2]);
    const fits = Math.min(h, w) + 2 * padding >= kernel;
    const keep = this.#chance(0.5);
    return binaryConv2d(b, this.#key("conv"), signs, {
      out,
      kernel: keep ? 3 : fits ? kernel : 1,
      padding: keep ? 1 : padding,
      stride: keep ? 1 : this.#pick([1, 2]),
      groups: channels % 2 || out % 2 ? 1 : this.#pick([1, 2]),
      padValue: this.#pick([0, 0, 1, -1] as const),
      binarizer: { scale: this.#pick(["none", "channel-mean"] as const), estimator: "identity" },
    });
  }

  #map(x: string): string {
    const b = this.#b;
    const constant = () => b.constant(this.#pick([0.5, -2, 1.25]));
    const maps: (() => string)[] = [
      () => prelu(b, this.#key("prelu"), x),
      () => learnableBias(b, this.#key("bias"), x),
      () => b.op("relu", [x]),
      () => b.op("hard-sigmoid", [x]),
      () => b.op("round", [x]),
      () => b.op("clamp", [x], { low: -1, high: 1.5, when: "always" }),
      () => b.op("clamp", [x], { low: -1, high: 1, when: "training" }),
      () => b.op("detach", [x]),
      () => b.op("neg", [x]),
      () => b.op("add", [x, constant()]),
      () => b.op("sub", [x, constant()]),
      () => b.op("sub", [constant(), x]),
      () => b.op("mul", [constant(), x]),
      () => b.op("div", [x, constant()]),
      () => b.op("sub", [x, b.op("sigmoid", [x])]),
      () => b.op("mul", [x, x]),
    ];
    return this.#pick(maps)();
  }

  #real(x: string): string {
    const groups = this.#chance(0.3) ? this.#b.shape(x)[1] : 1;
    const out = groups * this.#int(1, groups > 1 ? 2 : 6);
    const kernel = this.#pick([1, 3]);
    return conv2d(this.#b, this.#key("conv"), x, { out, kernel, groups, bias: this.#chance(0.5) });
  }

  #gate(seen: string, gated: string): string {
    const out = this.#b.shape(gated)[1];
    const pooled = this.#b.op("global-average-pool", [seen]);
    return squeezeExcite(this.#b, this.#key("se"), pooled, {
      out,
      reduction: 2,
      bits: this.#bits(4),
    });
  }

  #bits(width: number) {
    return this.#chance(0.3) ? { weight: width, input: width } : undefined;
  }

  #mix(p: string, y: string): string {
    const shape = [1, this.#b.shape(p)[1], 1, 1];
    const init = { kind: "constant", value: 0.5 } as const;
    const spec = { shape, kind: "parameter", role: "other", init } as const;
    return this.#b.op("mix", [p, y, this.#b.tensor(`${this.#key("mix")}.scale`, spec)]);
  }

  #concat(x: string): string {
    const parts = Array.from({ length: this.#int(2, 3) }, () =>
      this.#chance(0.3) ? x : this.#map(x),
    );
    const joined = this.#b.op("concat", parts, { axis: 1 });
    if (this.#chance(0.5)) return joined;
    const signs = this.#b.op("concat", [this.#signs(x), this.#signs(joined)], { axis: 1 });
    const out = this.#b.shape(signs)[1];
    return batchNorm(this.#b, this.#key("norm"), this.#binaryConv(signs, out));
  }

  #pool(x: string): string {
    const [, , h, w] = this.#b.shape(x);
    if (Math.min(h, w) < 2) return x;
    const attrs = this.#pick([
      { kernel: [2, 2], stride: [2, 2], padding: [0, 0] },
      { kernel: [2, 2], stride: [1, 1], padding: [1, 1] },
    ]);
    return this.#b.op(this.#pick(["max-pool", "average-pool"]), [x], attrs);
  }

  #signsAsNumbers(x: string): string {
    const signs = this.#signs(x);
    if (this.#chance(0.5)) return batchNorm(this.#b, this.#key("norm"), this.#real(signs));
    return this.#b.op("add", [signs, x]);
  }

  #key(what: string): string {
    return `${what}${this.#count++}`;
  }

  #int(low: number, high: number): number {
    return low + Math.floor(this.#random() * (high - low + 1));
  }

  #chance(p: number): boolean {
    return this.#random() < p;
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.#int(0, list.length - 1)];
  }
}
