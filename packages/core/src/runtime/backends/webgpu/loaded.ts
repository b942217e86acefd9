import { OnebitError } from "../../../errors.js";
import type { CompiledProgram } from "./compile.js";
import { sizeOf } from "./compile.js";
import type { Dispatch } from "./compiling.js";
import { type Gpu, MAP_READ, USAGE } from "./device.js";

type Outputs = { [output: string]: Float32Array };

export interface LoadOptions {
  /** Images at a time. */
  readonly most: number;
  /** For tests: what every word of the arena is at first. Default: 0. */
  readonly fill?: number;
}

/** A compiled program in the memory of a device. */
export class LoadedProgram {
  readonly gpu: Gpu;
  readonly #compiled: CompiledProgram;
  readonly #pipelines: ReadonlyMap<string, GPUComputePipeline>;
  readonly #constants: GPUBuffer;
  readonly #params: GPUBuffer;
  readonly #paramsBytes: number;
  /** Where the parameters of each dispatch lie. */
  readonly #offsets = new Map<Dispatch, number>();
  readonly #options: LoadOptions;
  #arena!: GPUBuffer;
  #group!: GPUBindGroup;
  #capacity = 0;

  static async create(
    gpu: Gpu,
    compiled: CompiledProgram,
    options: LoadOptions,
  ): Promise<LoadedProgram> {
    const shaders = [...new Set(compiled.steps.flat().map(({ shader }) => shader))];
    const made = await Promise.all(shaders.map((shader) => gpu.pipelines.of(shader)));
    const pipelines = new Map(shaders.map((shader, i) => [shader, made[i]]));
    return guarded(gpu, async () => new LoadedProgram(gpu, compiled, options, pipelines));
  }

  private constructor(
    gpu: Gpu,
    compiled: CompiledProgram,
    options: LoadOptions,
    pipelines: ReadonlyMap<string, GPUComputePipeline>,
  ) {
    this.gpu = gpu;
    this.#compiled = compiled;
    this.#pipelines = pipelines;
    this.#options = options;
    const { constants } = compiled;
    const { device } = gpu;
    this.#constants = device.createBuffer({
      size: Math.max(16, 4 * constants.words),
      usage: USAGE.storage,
      mappedAtCreation: true,
    });
    constants.writeTo(this.#constants.getMappedRange());
    this.#constants.unmap();
    const words = this.#placeParams();
    this.#paramsBytes = 16 * Math.ceil(Math.max(...words.map(({ length }) => length)) / 4);
    this.#params = this.#writeParams(words);
    this.#reserve(1);
  }

  /**
   * images: [N, H, W, C], of the CPU read before this returns. One command buffer for all that fit, one
   * read-back.
   */
  run(images: Float32Array | GPUBuffer, count: number): Promise<Outputs> {
    const { program, arenaWords, slots, steps } = this.#compiled;
    const { device } = this.gpu;
    return guarded(this.gpu, async () => {
      this.#reserve(Math.min(count, this.#options.most));
      const size = sizeOf(program, program.input);
      const reading = new ReadBack(this.#compiled, device, count);
      for (let first = 0; first < count; first += this.#capacity) {
        const some = Math.min(this.#capacity, count - first);
        const encoder = device.createCommandEncoder();
        for (let n = 0; n < some; n++) {
          const from = (first + n) * size;
          const to = 4 * (n * arenaWords + slots[program.input].at);
          if (images instanceof Float32Array) {
            const data = images as Float32Array<ArrayBuffer>;
            device.queue.writeBuffer(this.#arena, to, data, from, size);
          } else encoder.copyBufferToBuffer(images, 4 * from, this.#arena, to, 4 * size);
        }
        this.#encode(encoder, steps.flat(), some);
        reading.copy(encoder, this.#arena, first, some);
        device.queue.submit([encoder.finish()]);
      }
      return reading.outputs();
    });
  }

  /** Runs dispatches on what the arena holds. */
  #encode(encoder: GPUCommandEncoder, dispatches: readonly Dispatch[], images: number): void {
    const pass = encoder.beginComputePass();
    const { maxComputeWorkgroupsPerDimension: widest } = this.gpu.device.limits;
    for (const dispatch of dispatches) {
      pass.setPipeline(this.#pipelines.get(dispatch.shader)!);
      pass.setBindGroup(0, this.#group, [this.#offsets.get(dispatch)!]);
      const rows = Math.ceil(dispatch.workgroups / widest);
      pass.dispatchWorkgroups(Math.ceil(dispatch.workgroups / rows), rows, images);
    }
    pass.end();
  }

  /**
   * One step alone, of one image: `given` has the words of each value that it reads; those of the values
   * wanted come back.
   */
  async runStep(
    index: number,
    given: ReadonlyMap<number, Uint32Array>,
    wanted: readonly number[],
  ): Promise<ReadonlyMap<number, Uint32Array>> {
    const { slots, steps } = this.#compiled;
    const { device } = this.gpu;
    return guarded(this.gpu, async () => {
      for (const [id, words] of given) {
        device.queue.writeBuffer(this.#arena, 4 * slots[id].at, words as Uint32Array<ArrayBuffer>);
      }
      const encoder = device.createCommandEncoder();
      this.#encode(encoder, steps[index], 1);
      const size = wanted.reduce((sum, id) => sum + 4 * slots[id].words, 0);
      const staging = device.createBuffer({ size, usage: USAGE.mapRead | USAGE.copyTarget });
      let to = 0;
      for (const id of wanted) {
        encoder.copyBufferToBuffer(this.#arena, 4 * slots[id].at, staging, to, 4 * slots[id].words);
        to += 4 * slots[id].words;
      }
      device.queue.submit([encoder.finish()]);
      const all = new Uint32Array(await read(staging));
      let from = 0;
      return new Map(
        wanted.map((id) => {
          const words = all.slice(from, from + slots[id].words);
          from += words.length;
          return [id, words];
        }),
      );
    });
  }

  /** Milliseconds that a step takes so many times over, on whatever the arena holds. */
  async repeat(index: number, times: number): Promise<number> {
    const { device } = this.gpu;
    const start = performance.now();
    const encoder = device.createCommandEncoder();
    const dispatches = Array.from({ length: times }, () => this.#compiled.steps[index]).flat();
    this.#encode(encoder, dispatches, 1);
    device.queue.submit([encoder.finish()]);
    await device.queue.onSubmittedWorkDone();
    return performance.now() - start;
  }

  dispose(): void {
    for (const buffer of [this.#arena, this.#constants, this.#params]) buffer.destroy();
  }

  /** An arena for so many images. */
  #reserve(images: number): void {
    if (images <= this.#capacity) return;
    this.#arena?.destroy();
    this.#capacity = images;
    const { device, layout } = this.gpu;
    this.#arena = device.createBuffer({
      size: Math.max(16, 4 * this.#compiled.arenaWords * images),
      usage: USAGE.storage | USAGE.copySource | USAGE.copyTarget,
    });
    const { fill } = this.#options;
    if (fill !== undefined) {
      const words = new Uint32Array(this.#arena.size / 4).fill(fill);
      device.queue.writeBuffer(this.#arena, 0, words);
    }
    const buffers = [this.#arena, this.#constants, this.#constants];
    const params = { buffer: this.#params, size: this.#paramsBytes };
    const resources = [...buffers.map((buffer) => ({ buffer })), params];
    const entries = resources.map((resource, binding) => ({ binding, resource }));
    this.#group = device.createBindGroup({ layout, entries });
  }

  #placeParams(): number[][] {
    const { steps, arenaWords } = this.#compiled;
    return steps.flat().map(({ params }) => params.words(arenaWords));
  }

  #writeParams(words: readonly (readonly number[])[]): GPUBuffer {
    const { device } = this.gpu;
    const unit = device.limits.minUniformBufferOffsetAlignment;
    const stride = Math.ceil(this.#paramsBytes / unit) * unit;
    const buffer = device.createBuffer({
      size: stride * words.length,
      usage: USAGE.uniform,
      mappedAtCreation: true,
    });
    const all = new Uint32Array(buffer.getMappedRange());
    this.#compiled.steps.flat().forEach((dispatch, i) => {
      all.set(words[i], (i * stride) / 4);
      this.#offsets.set(dispatch, i * stride);
    });
    buffer.unmap();
    return buffer;
  }
}

/** The outputs of a run on their way back. */
class ReadBack {
  readonly #compiled: CompiledProgram;
  readonly #count: number;
  readonly #staging: GPUBuffer;
  /** Of each output, all images of it together: its first word in the staging buffer. */
  readonly #places: readonly { name: string; id: number; size: number; first: number }[];

  constructor(compiled: CompiledProgram, device: GPUDevice, count: number) {
    this.#compiled = compiled;
    this.#count = count;
    let words = 0;
    this.#places = Object.entries(compiled.program.outputs).map(([name, id]) => {
      const size = sizeOf(compiled.program, id);
      const first = words;
      words += size * count;
      return { name, id, size, first };
    });
    this.#staging = device.createBuffer({
      size: Math.max(4, 4 * words),
      usage: USAGE.mapRead | USAGE.copyTarget,
    });
  }

  copy(encoder: GPUCommandEncoder, arena: GPUBuffer, first: number, images: number): void {
    const { arenaWords, slots } = this.#compiled;
    for (let n = 0; n < images; n++) {
      for (const place of this.#places) {
        const from = 4 * (n * arenaWords + slots[place.id].at);
        const to = 4 * (place.first + (first + n) * place.size);
        encoder.copyBufferToBuffer(arena, from, this.#staging, to, 4 * place.size);
      }
    }
  }

  async outputs(): Promise<Outputs> {
    const all = new Float32Array(await read(this.#staging));
    return Object.fromEntries(
      this.#places.map(({ name, first, size }) => {
        return [name, all.slice(first, first + size * this.#count)];
      }),
    );
  }
}

/** What a buffer holds once the GPU is done with it; the buffer is gone then. */
export async function read(buffer: GPUBuffer): Promise<ArrayBuffer> {
  try {
    await buffer.mapAsync(MAP_READ);
    return buffer.getMappedRange().slice(0);
  } finally {
    buffer.destroy();
  }
}

/** Errors that WebGPU would only print are this call's. */
export async function guarded<T>({ device }: Gpu, work: () => Promise<T>): Promise<T> {
  const filters = ["validation", "out-of-memory", "internal"] as const;
  for (const filter of filters) device.pushErrorScope(filter);
  const working = work();
  const scopes = filters.map(() => device.popErrorScope());
  const [result, ...errors] = await Promise.allSettled([working, ...scopes]);
  for (const error of errors) {
    if (error.status === "fulfilled" && error.value) {
      throw new OnebitError(`webgpu: ${error.value.message}`);
    }
  }
  if (result.status === "rejected") throw result.reason;
  return result.value;
}
