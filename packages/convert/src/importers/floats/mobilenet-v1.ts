import { modelNamed } from "onebit/models";
import { catalogued, type KnownImages, type Tensors } from "../catalogue/catalogued.js";
import { contiguous, dimension, type Shapes, some } from "../catalogue/shapes.js";
import type { Importer } from "../importer.js";
import { renamed } from "./renamed.js";

/**
 * Float MobileNetV1 of any widths. Source of the keys: marvis/pytorch-mobilenet, which most
 * PyTorch code has (`model.3.0.weight`); and timm's (`blocks.1.0.conv_dw.weight`), whose networks
 * clip at 6.
 */
const keys: Importer = catalogued({
  family: "mobilenet-v1",
  mark: /^(model\.1\.3|blocks\.0\.0\.conv_pw)\.weight$/,
  members: /^(model|fc|conv_stem|bn1|blocks|conv_head|bn2|classifier)\./,
  stem: "model.0.0.weight",
  respelt: (stored) => (isTimm(stored) ? fromTimm(stored) : stored),
  switches: (shapes, stored) => ({
    widths: widthsOf(shapes),
    activation: isTimm(stored) ? "relu6" : undefined,
  }),
  images: imagesOf,
  form: async () => ({ form: "real" }),
});

export const mobilenetV1: Importer = {
  ...keys,
  takes: ["arch", "form", "wrapper"],
  recognises: (place) => keys.recognises(place) && isDepthwise(place.tensors),
};

/** Its second version and EfficientNets have blocks of three convolutions, or gates, under these names. */
function isDepthwise(tensors: Tensors): boolean {
  const first = tensors.get("model.1.0.weight") ?? tensors.get("blocks.0.0.conv_dw.weight");
  return first?.shape[1] === 1 && !some(tensors, /^blocks\..*\.(conv_pwl|se)\./);
}

const isTimm = (stored: Tensors): boolean => stored.has("conv_stem.weight");

function widthsOf(shapes: Shapes): number[] {
  const outs = (key: string) => dimension(shapes, key, 0, "how wide a block is");
  const layers = contiguous(shapes, /^model\.(\d+)\./, 0);
  const blocks = Array.from({ length: layers - 1 }, (_, i) => outs(`model.${i + 1}.3.weight`));
  return [outs("model.0.0.weight"), ...blocks];
}

const places: { readonly [module: string]: number } = { conv_dw: 0, bn1: 1, conv_pw: 3, bn2: 4 };
const BLOCK = /^blocks\.(\d+)\.(\d+)\.(conv_dw|bn1|conv_pw|bn2)\./;

/** Stages of blocks become one row of blocks, counted on. */
function fromTimm(stored: Tensors): Tensors {
  const ids = [...stored.keys()].flatMap((key) => {
    const [, stage, block] = BLOCK.exec(key) ?? [];
    return stage === undefined ? [] : [1000 * Number(stage) + Number(block)];
  });
  const row = [...new Set(ids)].sort((a, b) => a - b);
  return renamed(stored, (key) =>
    key
      .replace(/^conv_stem\./, "model.0.0.")
      .replace(/^bn1\./, "model.0.1.")
      .replace(/^classifier\./, "fc.")
      .replace(BLOCK, (_, stage: string, block: string, module: string) => {
        const place = row.indexOf(1000 * Number(stage) + Number(block));
        return `model.${place + 1}.${places[module]}.`;
      }),
  );
}

function imagesOf(stored: Tensors): KnownImages {
  const { input, preprocess } = modelNamed("mobilenet-v1");
  const sides = [input[1], input[2]] as const;
  if (!isTimm(stored)) return { sides };
  const half = [0.5, 0.5, 0.5];
  return {
    sides,
    preprocess: { ...preprocess!, interpolation: "bicubic", mean: half, std: half },
    note: "the keys are timm's: activations are clipped at 6, images resized bicubically, mean and deviation 0.5, as for its mobilenetv1_100",
  };
}
