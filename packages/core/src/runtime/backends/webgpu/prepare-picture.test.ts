import { describe, expect, it } from "vitest";
import { type Preprocess, preprocess } from "../../../image/preprocess.js";
import { webgpuHere } from "../../../test-support/webgpu-here.js";
import { PREPARING } from "../../run-images.js";
import { acquireGpu, type Gpu, USAGE } from "./device.js";
import { guarded, read } from "./loaded.js";
import { preparePicture } from "./prepare-picture.js";

const here = await webgpuHere();

interface Picture {
  readonly data: Uint8Array<ArrayBuffer>;
  readonly width: number;
  readonly height: number;
  readonly channels: 4;
}

function picture(width: number, height: number, alpha: "opaque" | "any" | "none"): Picture {
  const data = Uint8Array.from({ length: 4 * width * height }, (_, i) => {
    if (i % 4 === 3 && alpha !== "any") return alpha === "opaque" ? 255 : 0;
    return (i * 7919 + (i >> 5) * 31) % 256;
  });
  return { data, width, height, channels: 4 };
}

/** [H, W, C], and whether anything is to be seen. */
async function prepared(picture: Picture, how: Preprocess) {
  const gpu = await acquireGpu();
  return guarded(gpu, () => preparedOn(gpu, picture, how));
}

async function preparedOn({ device }: Gpu, { data, width, height }: Picture, how: Preprocess) {
  const texture = device.createTexture({
    ...{ size: [width, height], format: "rgba8unorm", usage: 0x02 | 0x04 },
  });
  device.queue.writeTexture({ texture }, data, { bytesPerRow: 4 * width }, [width, height]);
  const words = how.size[0] * how.size[1] * how.channels;
  const usage = USAGE.storage | USAGE.copySource;
  const buffer = device.createBuffer({ size: 4 * (words + 1), usage });
  const source = { binding: texture.createView(), isExternal: false };
  const place = { prepared: buffer, to: 0, flag: words };
  preparePicture(device, source, [width, height], how, place, PREPARING);
  const staging = device.createBuffer({
    ...{ size: buffer.size, usage: USAGE.mapRead | USAGE.copyTarget },
  });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, 0, staging, 0, buffer.size);
  device.queue.submit([encoder.finish()]);
  const bytes = await read(staging);
  texture.destroy();
  buffer.destroy();
  return { values: new Float32Array(bytes, 0, words), seen: new Uint32Array(bytes)[words] };
}

function interleaved(planes: Float32Array, { size, channels }: Preprocess): Float32Array {
  const plane = size[0] * size[1];
  return Float32Array.from(planes, (_, i) => {
    return planes[(i % channels) * plane + Math.floor(i / channels)];
  });
}

const base = { size: [9, 12], interpolation: "bilinear", crop: "center" } as const;
const colour = { channels: 3, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const;
const grey = { channels: 1, mean: [0.5], std: [0.3] } as const;

describe.skipIf(!here)("a picture on the GPU is prepared as elsewhere, bit for bit", () => {
  it.each<[string, Picture, object]>([
    ["colour, smaller", picture(61, 47, "opaque"), { ...colour, resize: 12 }],
    ["bicubic", picture(50, 70, "opaque"), { ...colour, resize: 14, interpolation: "bicubic" }],
    ["larger", picture(5, 4, "opaque"), { ...colour, resize: 30, interpolation: "bicubic" }],
    ["grey", picture(33, 40, "opaque"), { ...grey, resize: 13 }],
    ["transparent", picture(33, 40, "any"), { ...colour, resize: 13 }],
    ["grey and transparent", picture(33, 40, "any"), { ...grey, resize: 13 }],
    ["stretched", picture(33, 8, "any"), { ...colour, crop: "none" }],
    ["cropped only", picture(20, 15, "opaque"), { ...colour }],
    ["as it is", picture(12, 9, "opaque"), { ...colour }],
    ["a strip", picture(4000, 3, "opaque"), { ...grey, resize: 14 }],
  ])("%s", async (_, image, more) => {
    const how = { ...base, ...more } as unknown as Preprocess;
    const { values, seen } = await prepared(image, how);
    expect(values).toEqual(interleaved(preprocess(image, how), how));
    expect(seen).toBe(1);
  });

  it("says where nothing is to be seen", async () => {
    const { seen } = await prepared(picture(8, 8, "none"), {
      ...base,
      ...grey,
      resize: 12,
    } as never);
    expect(seen).toBe(0);
  });
});
