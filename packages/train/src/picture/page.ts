import { loadDecoder } from "onebit/images";
import { counted } from "onebit/words";
import type { RawImage } from "../data/index.js";
import { barsChart, colourOf, histogramChart } from "../drawing/index.js";
import { type Column, escapeHtml, htmlTable, section } from "../report/html.js";
import { pageHtml } from "../report/page-html.js";
import { warningsSection } from "../report/sections.js";
import type { ActivationLayer, PerChannel } from "./activation-layers.js";
import type { ChannelMaps, FeatureMaps, GreyMap } from "./feature-maps.js";
import type { Picture } from "./picture.js";

/** One self-contained page of a picture. */
export async function picturePage(picture: Picture): Promise<string> {
  const { path, layers, images, imagesOf, notes } = picture;
  const signs = layers.filter(({ kind }) => kind === "sign").length;
  const seen =
    imagesOf === null ? "" : ` Distributions over ${counted(images, "image")} (${imagesOf}).`;
  return pageHtml({
    title: `What ${path} learned`,
    summary: `${counted(signs, "sign")} and ${counted(layers.length - signs, "PReLU")}.${seen}`,
    sections: [warningsSection(notes), await mapsSection(picture), layersSection(picture)],
  });
}

async function mapsSection({ maps, shown }: Picture): Promise<string | undefined> {
  if (!shown) return undefined;
  const whole = await uri(shown.image);
  const parts = await Promise.all(maps.map(layerMaps));
  const intro = `<p><img src="${whole}" alt="${escapeHtml(shown.name)}"> ${escapeHtml(shown.name)}: the map before a sign, and its signs (white: +1) with the distribution shifted down, as it is, and up, by half of the standard deviation of the map's values. Of each map the channels that vary most.</p>`;
  return section("Feature maps", `<div class="maps">${intro}${parts.join("")}</div>`);
}

async function layerMaps({ layer, shift, channels }: FeatureMaps): Promise<string> {
  const rows = await Promise.all(
    channels.map(async ({ channel, real, down, asIs, up }: ChannelMaps) => {
      const uris = await Promise.all([real, down, asIs, up].map((map) => uri(map)));
      return { channel, uris };
    }),
  );
  const titles = ["real", "shifted down", "as it is", "shifted up"];
  const columns: Column<(typeof rows)[number]>[] = [
    ["channel", ({ channel }) => String(channel)],
    ...titles.map(
      (title, i): Column<(typeof rows)[number]> => [
        title,
        ({ uris }) => `<img src="${uris[i]}" alt="${title}">`,
      ],
    ),
  ];
  return `<h3>${escapeHtml(layer)}</h3><p>shift ${shift.toPrecision(3)}</p>${htmlTable(rows, columns)}`;
}

/** PNG as a data: URI. */
async function uri(image: GreyMap | RawImage): Promise<string> {
  const { default: sharp } = await loadDecoder(() => import("sharp"));
  const { data, width, height } = image;
  const channels = "channels" in image ? image.channels : 1;
  const png = await sharp(data, { raw: { width, height, channels } }).png().toBuffer();
  return `data:image/png;base64,${png.toString("base64")}`;
}

function layersSection({ layers, distributions }: Picture): string {
  const columns: Column<ActivationLayer>[] = [
    ["layer", ({ name, kind }) => `<b>${escapeHtml(name)}</b><br>${kind}`],
    [
      "learned, by channel",
      (layer) =>
        learned(layer)
          .map(([title, values]) => figure(title, barsChart(values)))
          .join(""),
    ],
    [
      "distribution",
      (layer) => {
        const found = distributions[layer.name];
        if (!found) return "";
        const { before, after, positive } = found;
        const x = layer.kind === "sign" ? "x - threshold" : "before";
        return [
          figure(x, histogramChart(before)),
          after ? figure("after", histogramChart(after, colourOf(1))) : "",
          positive === undefined ? "" : figure(`+1 in ${(100 * positive).toFixed(1)} %`, ""),
        ].join("");
      },
    ],
  ];
  return section(
    "Layers, in order",
    `<div class="learned">${htmlTable(layers, columns)}</div>${note}`,
  );
}

const note = `<style>.maps img{outline:1px solid #d1d5db}.learned td{vertical-align:top}.learned figure{display:inline-block;width:auto;border:0;margin-right:.7rem}</style><p>Sign: +1 where x is above the channel's threshold. PReLU: x - from + to where x is above from, else slope (x - from) + to, each by channel; what is missing was not learned. Of a packed file: with the batch normalisation that packing has folded into thresholds and shifts.</p>`;

const figure = (title: string, body: string) =>
  `<figure><figcaption>${escapeHtml(title)}</figcaption>${body}</figure>`;

/** What there is of a layer, by what it is called. */
function learned(layer: ActivationLayer): [title: string, values: PerChannel][] {
  const all: [string, PerChannel | undefined][] =
    layer.kind === "sign"
      ? [["threshold", layer.threshold]]
      : [
          ["slope", layer.slope],
          ["from", layer.before?.map((b) => 0 - b)],
          ["to", layer.after],
        ];
  return all.flatMap(([title, values]) => (values ? [[title, values]] : []));
}
