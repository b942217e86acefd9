import { escapeHtml, htmlTable, scriptJson, section } from "./html.js";
import type { Confusion, Curve, Latency, LayerCost, Report, Sample } from "./types.js";

export function factsSection(facts: Report["facts"]): string {
  return htmlTable(facts, [
    ["", ({ name }) => escapeHtml(name)],
    ["", ({ value }) => `<b>${escapeHtml(value)}</b>`],
    ["", ({ note }) => escapeHtml(note ?? "")],
  ]);
}

export function warningsSection(messages: readonly string[]): string {
  if (!messages.length) return "";
  const items = messages.map((message) => `<li>${escapeHtml(message)}</li>`).join("");
  return `<ul class="warnings">${items}</ul>`;
}

/** Drawn by uPlot in the page; the numbers stand in the page itself. */
export function curvesSection(curves: readonly Curve[]): string {
  const plots = curves.map(
    (curve) => `<div class="plot" data-curve="${escapeHtml(JSON.stringify(curve))}"></div>`,
  );
  return section("Training", `<div class="plots">${plots.join("")}</div>`);
}

export function confusionSection({ classes, counts }: Confusion): string {
  const head = classes.map((name) => `<th>${escapeHtml(name)}</th>`).join("");
  const rows = counts.map((row, truth) => {
    const total = Math.max(
      1,
      row.reduce((sum, n) => sum + n, 0),
    );
    const cells = row.map((n, predicted) => {
      const hue = truth === predicted ? 150 : 10;
      const title = `${classes[truth]} taken for ${classes[predicted]}: ${n}`;
      const colour = `background:hsl(${hue} 70% 45% / ${((n / total) * 0.9).toFixed(3)})`;
      return `<td style="${colour}" title="${escapeHtml(title)}">${n || ""}</td>`;
    });
    return `<tr><th>${escapeHtml(classes[truth])}</th>${cells.join("")}</tr>`;
  });
  const table = `<table class="confusion"><tr><th></th>${head}</tr>${rows.join("")}</table>`;
  return section(
    "Confusion (rows: truth, columns: prediction)",
    `<div class="scroll">${table}</div>`,
  );
}

export function layersSection(layers: readonly LayerCost[]): string {
  const most = Math.max(1, ...layers.map(({ macs }) => macs));
  const table = htmlTable(layers, [
    ["layer", ({ name }) => escapeHtml(name)],
    ["op", ({ op }) => escapeHtml(op)],
    ["MACs", ({ macs }) => macs.toLocaleString("en-US")],
    ["1-bit", ({ macs, binaryMacs }) => (macs ? `${Math.round((100 * binaryMacs) / macs)} %` : "")],
    ["bytes packed", ({ bytes }) => Math.round(bytes).toLocaleString("en-US")],
    [
      "",
      ({ macs }) => `<div class="bar" style="width:${((100 * macs) / most).toFixed(1)}px"></div>`,
    ],
  ]);
  return section("Cost per layer", `<div class="scroll">${table}</div>`);
}

export function latencySection(latency: readonly Latency[]): string {
  const table = htmlTable(latency, [
    ["engine", ({ engine }) => escapeHtml(engine)],
    ["threads", ({ threads }) => String(threads)],
    ["median ms", ({ medianMs }) => medianMs.toFixed(3)],
    ["p5 to p95 ms", ({ p5Ms, p95Ms }) => `${p5Ms.toFixed(3)} to ${p95Ms.toFixed(3)}`],
  ]);
  return section("Latency, one image", table);
}

export function samplesSection(samples: readonly Sample[]): string {
  const figures = samples.map(({ picture, truth, top }) => {
    const right = top[0]?.label === truth;
    const lines = top.map(
      ({ label, probability }) => `${escapeHtml(label)} ${(100 * probability).toFixed(0)} %`,
    );
    return `<figure class="${right ? "right" : "wrong"}"><img src="${picture}" alt="${escapeHtml(truth)}">
<figcaption><b>${escapeHtml(truth)}</b><br>${lines.join("<br>")}</figcaption></figure>`;
  });
  return section(
    "Predictions of the packed network on held-out images",
    `<div class="samples">${figures.join("")}</div>`,
  );
}

export function provenanceSection(provenance: Report["provenance"]): string {
  const text = JSON.stringify(provenance, null, 2);
  return section(
    "How this came about",
    `<pre>${escapeHtml(text)}</pre><script type="application/json" id="provenance">${scriptJson(provenance)}</script>`,
  );
}
