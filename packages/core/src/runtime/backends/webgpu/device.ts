import { OnebitError } from "../../../errors.js";
import { isSoftware, nameOfAdapter } from "./contest.js";

/** The flags of WebGPU's own constants, which Node has not. */
export const USAGE = {
  mapRead: 0x1,
  copySource: 0x4,
  copyTarget: 0x8,
  uniform: 0x40,
  storage: 0x80,
} as const;
const COMPUTE_STAGE = 0x4;
export const MAP_READ = 0x1;

/** A device, and what is made of it once. */
export interface Gpu {
  readonly device: GPUDevice;
  /** Of the adapter. */
  readonly name: string;
  readonly software: boolean;
  /** Threads that its subgroups have at least; 1 where shaders may not use them. */
  readonly subgroup: number;
  readonly layout: GPUBindGroupLayout;
  readonly pipelines: Pipelines;
  /** Why it is gone; undefined while it is there. */
  readonly lost: string | undefined;
}

/** As platform/is-node.ts, which bundlers would make a file of its own for all pages if it were used here. */
const inNode = globalThis.process?.versions?.node !== undefined;

/** An optional package: core does not depend on it, so bundlers must not look for it either. */
const PACKAGE = "webgpu";

let current: Promise<Gpu> | undefined;

/** The device that all programs of this page or process share; a fresh one where it has been lost. */
export async function acquireGpu(): Promise<Gpu> {
  current ??= openGpu();
  try {
    const gpu = await current;
    if (gpu.lost === undefined) return gpu;
  } catch (error) {
    current = undefined;
    throw error;
  }
  current = undefined;
  return acquireGpu();
}

async function openGpu(): Promise<Gpu> {
  const adapter = await (await entry()).requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) throw new OnebitError(inNode ? NO_ADAPTER_IN_NODE : NO_ADAPTER);
  const subgroup = subgroupOf(adapter);
  const device = await adapter.requestDevice({
    requiredLimits: wanted(adapter.limits),
    requiredFeatures: subgroup > 1 ? ["subgroups"] : [],
  });
  let lost: string | undefined;
  device.lost.then(({ message, reason }) => {
    lost = message || reason;
  });
  const layout = layoutOn(device);
  return {
    ...{ device, layout, pipelines: new Pipelines(device, layout) },
    name: nameOfAdapter(adapter.info),
    software: isSoftware(adapter.info),
    subgroup,
    get lost() {
      return lost;
    },
  };
}

const NO_ADAPTER =
  "this browser has WebGPU, but no adapter for it: it may have blocked this graphics driver (chrome://gpu says so)";
const NO_ADAPTER_IN_NODE =
  "the package webgpu found no graphics adapter: on Linux it needs a Vulkan driver and its loader (Debian: libvulkan1)";

/** navigator.gpu, or what the package webgpu has in its place. */
async function entry(): Promise<GPU> {
  const gpu = (globalThis.navigator as Navigator | undefined)?.gpu;
  if (gpu) return gpu;
  if (!inNode) {
    throw new OnebitError(
      globalThis.isSecureContext === false
        ? "pages have WebGPU on https: and localhost only"
        : "this browser has no WebGPU (navigator.gpu): Chrome and Edge have it from 113, Safari from 26, Firefox from 141 on Windows",
    );
  }
  nodeGpu ??= openPackage();
  return nodeGpu;
}

/** Kept: its devices do not outlive it. */
let nodeGpu: Promise<GPU> | undefined;

async function openPackage(): Promise<GPU> {
  try {
    const { create }: { create: (flags: string[]) => GPU } = await import(
      /* @vite-ignore */ /* webpackIgnore: true */ /* turbopackIgnore: true */ PACKAGE
    );
    return create([]);
  } catch (error) {
    nodeGpu = undefined;
    const { code, message } = error as Error & { code?: string };
    const absent = code === "ERR_MODULE_NOT_FOUND" && message.includes(`'${PACKAGE}'`);
    throw new OnebitError(
      absent
        ? "in Node it needs the package webgpu, which is not installed: npm install webgpu"
        : `the package webgpu cannot be loaded: ${message}`,
      { cause: error },
    );
  }
}

function subgroupOf({ features, info }: GPUAdapter): number {
  return features.has("subgroups") ? (info.subgroupMinSize ?? 1) : 1;
}

/** As much as the adapter has, of what programs grow with. */
function wanted({
  maxBufferSize,
  maxStorageBufferBindingSize,
  maxComputeWorkgroupStorageSize,
}: GPUSupportedLimits) {
  return { maxBufferSize, maxStorageBufferBindingSize, maxComputeWorkgroupStorageSize };
}

/** Arena, constants twice (as quads and as floats), parameters of a dispatch: see wgsl.ts. */
function layoutOn(device: GPUDevice): GPUBindGroupLayout {
  const types = ["storage", "read-only-storage", "read-only-storage", "uniform"] as const;
  return device.createBindGroupLayout({
    entries: types.map((type, binding) => ({
      ...{ binding, visibility: COMPUTE_STAGE },
      buffer: { type, hasDynamicOffset: type === "uniform" },
    })),
  });
}

/** Steps, programs and models that need the same shader share it. More are forgotten. */
const MOST_PIPELINES = 1024;

class Pipelines {
  readonly #device: GPUDevice;
  readonly #layout: GPUPipelineLayout;
  readonly #made = new Map<string, Promise<GPUComputePipeline>>();

  constructor(device: GPUDevice, layout: GPUBindGroupLayout) {
    this.#device = device;
    this.#layout = device.createPipelineLayout({ bindGroupLayouts: [layout] });
  }

  of(shader: string): Promise<GPUComputePipeline> {
    const known = this.#made.get(shader);
    if (known) return known;
    if (this.#made.size >= MOST_PIPELINES) this.#made.clear();
    // What is wrong with it the pipeline tells.
    this.#device.pushErrorScope("validation");
    const module = this.#device.createShaderModule({ code: shader });
    this.#device.popErrorScope().catch(() => {});
    const making = this.#device.createComputePipelineAsync({
      layout: this.#layout,
      compute: { module, entryPoint: "main" },
    });
    this.#made.set(shader, making);
    making.catch(() => this.#made.delete(shader));
    return making;
  }
}
