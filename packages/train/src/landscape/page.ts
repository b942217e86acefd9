import { type Column, escapeHtml, htmlTable, section } from "../report/html.js";
import { pageHtml } from "../report/page-html.js";
import { provenanceSection, warningsSection } from "../report/sections.js";
import { contoursSvg, sliceSvg } from "./pictures.js";
import type { LandscapeResult, NetworkLandscape } from "./result.js";

/** One self-contained page: figures, contours on one scale, and the slice along the first direction. */
export function landscapePage(result: LandscapeResult): Promise<string> {
  const { grid, data, networks } = result;
  const { points, radius, seed } = grid;
  return pageHtml({
    title: `Loss around ${networks.map(({ name }) => name).join(", ")}`,
    summary: `Mean cross-entropy on ${data.images} training images of ${data.name}, in evaluation mode, on ${points} x ${points} points from -${radius} to ${radius} along two random filter-normalised directions (seed ${seed}) of the weights, latent ones where they are binary. Vectors, and running statistics, stay as they are.`,
    sections: [
      warningsSection(warnings(result)),
      section("Figures", htmlTable(networks, columns) + note),
      section("Contours, on one scale", contoursSvg(result)),
      section("Along the first direction", sliceSvg(result)),
      provenanceSection({ ...result, networks: networks.map(({ losses: _, ...rest }) => rest) }),
    ],
  });
}

function warnings({ grid, networks }: LandscapeResult): string[] {
  const all = grid.points ** 2;
  return networks.flatMap(({ name, points, notFinite }) => [
    ...(points < all ? [`${name}: ${points} of ${all} points so far.`] : []),
    ...(notFinite ? [`${name}: the loss is not finite at ${notFinite} points.`] : []),
  ]);
}

const loss = (value: number | null) => value?.toFixed(4) ?? "";

const columns: readonly Column<NetworkLandscape>[] = [
  ["network", ({ name }) => `<b>${escapeHtml(name)}</b>`],
  ["computed by", ({ engine }) => escapeHtml(engine ?? "")],
  ["loss", ({ loss: trained }) => loss(trained)],
  ["top-1", ({ top1 }) => (top1 === null ? "" : `${(100 * top1).toFixed(2)} %`)],
  ["highest loss", ({ highest }) => loss(highest)],
  ["roughness", ({ roughness }) => roughness?.toPrecision(3) ?? ""],
];

const note =
  "<p>Roughness: how much more the loss goes up and down along all rows and columns of the grid than it would with a single valley, 0 where each line has only one. It is a figure of this grid: compare networks on the same.</p>";
