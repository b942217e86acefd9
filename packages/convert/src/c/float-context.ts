import type { TensorKey, ValueId } from "onebit/program";
import { bitWords } from "./arena.js";
import { Context } from "./context.js";
import { constArray, floats } from "./text.js";

/** Numbers are float32, as in the reference. */
export class FloatContext extends Context {
  readonly types = { f: "float", h: "uint16_t", d: "double" };

  ofInteger(expression: string): string {
    return `(float)(${expression})`;
  }

  /** The name of a tensor of float32, row-major. */
  floats(key: TensorKey): string {
    const { data } = this.tensors[key];
    return this.constant(`float ${key}`, "tensor", 4 * data.length, (name) =>
      constArray("float", name, floats(data)),
    );
  }

  /** The number at a pixel and channel, both expressions; bits as -1.0f and 1.0f. */
  read(id: ValueId, pixel: string, channel: string): string {
    const { kind, shape, type } = this.value(id);
    const place = this.arena.values[id];
    const channels = shape[2];
    if (kind === "bits") {
      const word = `arena.w[${place} + ${pixel} * ${bitWords(channels)} + (${channel}) / 32]`;
      return `((${word} >> ((uint32_t)(${channel}) % 32u)) & 1u ? 1.0f : -1.0f)`;
    }
    const index = `${pixel} * ${channels} + ${channel}`;
    if (!type) return `arena.f[${place} + ${index}]`;
    this.call("from-bfloat16");
    return `from_bfloat16(arena.h[${2 * place} + ${index}])`;
  }

  /** A statement that stores a number. */
  write(id: ValueId, pixel: string, channel: string, number: string): string {
    const { shape, type } = this.value(id);
    const place = this.arena.values[id];
    const index = `${pixel} * ${shape[2]} + ${channel}`;
    if (!type) return `arena.f[${place} + ${index}] = ${number};`;
    this.call("to-bfloat16");
    return `arena.h[${2 * place} + ${index}] = to_bfloat16(${number});`;
  }
}
