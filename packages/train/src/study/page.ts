import { type Column, escapeHtml, htmlTable, section } from "../report/html.js";
import { pageHtml } from "../report/page-html.js";
import { curvesSection, provenanceSection, warningsSection } from "../report/sections.js";
import type { Curve } from "../report/types.js";
import { costChart, intervalChart } from "./charts.js";
import { chance, difference, figure, intervalText, isShare, measureName } from "./figures.js";
import type { RunCurves, RunResult } from "./results.js";
import type { StudyResult } from "./study-result.js";
import type { PairSummary, VariantSummary } from "./summary.js";

/** study.html: what study.json says. */
export function studyPage(result: StudyResult): Promise<string> {
  const { name, question, isPilot } = result;
  return pageHtml({
    title: isPilot ? `Pilot of ${name}` : name,
    summary: question,
    sections: [
      warnings(result),
      howItWasMeasured(result),
      variantsSection(result),
      differencesSection(result),
      costSection(result),
      curvesSection(curvesOf(result)),
      runsSection(result),
      provenanceSection(provenanceOf(result)),
    ],
  });
}

function warnings({ isPilot, deviations, summary }: StudyResult): string {
  const what = isPilot
    ? "This is a pilot, not the study as it was written down"
    : "Not quite as it was written down";
  const missing = summary.variants.flatMap(({ variant, missing: seeds }) =>
    seeds.map(({ seed, reason }) => `${variant}, seed ${seed}, is in no mean: ${reason}`),
  );
  const lines = [...(deviations.length ? [`${what}: ${deviations.join("; ")}.`] : []), ...missing];
  return warningsSection(lines);
}

function howItWasMeasured({ data, seeds, measures, source }: StudyResult): string {
  const { name, validation } = data;
  const sentences = [
    `Data: ${name}. ${(100 * validation).toFixed(0)} % of the training images were held back, of every class alike, the same in all runs: the epoch is chosen on them where the recipe keeps the best. The test images were used once per run, at the end.`,
    `What decides: ${measureName(measures[0])}. ${seeds} seeds; runs of one seed start with the same values where their tensors are the same, and see the same images, augmented alike, in the same order. So differences are taken seed by seed: their mean, and its 95 % interval by Student's t. Nothing is corrected for how many differences are looked at.`,
    ...(source ? [`Source: ${source}.`] : []),
  ];
  return sentences.map((text) => `<p>${escapeHtml(text)}</p>`).join("");
}

function variantsSection({ summary, measures, variants }: StudyResult): string {
  const about = (name: string) => variants.find((variant) => variant.name === name)!;
  const columns: Column<VariantSummary>[] = [
    ["variant", ({ variant }) => `<b>${escapeHtml(variant)}</b>`],
    ["", ({ variant }) => escapeHtml(about(variant).about ?? "")],
    ["n", ({ n, of }) => (n === of ? String(n) : `${n} of ${of}`)],
    ...measures.map(
      (measure): Column<VariantSummary> => [
        measure,
        ({ figures }) => {
          const found = figures[measure];
          if (!found) return "";
          const spread = found.deviation === null ? "" : ` ± ${figure(measure, found.deviation)}`;
          return `${figure(measure, found.mean)}${spread}`;
        },
      ],
    ),
    ["1-bit MACs", ({ variant }) => count(about(variant).cost.binaryMacs)],
    [
      "real MACs",
      ({ variant }) => count(about(variant).cost.macs - about(variant).cost.binaryMacs),
    ],
    ["bytes packed", ({ variant }) => count(about(variant).cost.bytes)],
  ];
  const note = "<p>Mean ± standard deviation over the seeds.</p>";
  return section(
    "Variants",
    `<div class="scroll">${htmlTable(summary.variants, columns)}</div>${note}`,
  );
}

const count = (value: number) => Math.round(value).toLocaleString("en-US");

function differencesSection({ summary, measures }: StudyResult): string {
  const parts = measures.map((measure) => {
    const pairs = summary.pairs.filter((pair) => pair.measure === measure);
    if (!pairs.length) return "";
    const table = htmlTable<PairSummary>(pairs, [
      ["difference", ({ from, to }) => escapeHtml(`${to} - ${from}`)],
      ["n", ({ differences }) => String(differences.length)],
      ["mean", (pair) => `<b>${difference(measure, pair.mean)}</b>`],
      ["95 % interval", intervalText],
      ["p", ({ p }) => chance(p)],
    ]);
    const title = `Differences: ${measureName(measure)}${isShare(measure) ? ", in percentage points" : ""}`;
    return section(title, `${intervalChart(pairs)}<div class="scroll">${table}</div>`);
  });
  return parts.join("");
}

function costSection(result: StudyResult): string {
  const [measure] = result.measures;
  const chart = costChart(result, measure);
  if (!chart) return "";
  return section(`${measureName(measure)}, and operations (real MACs and 1-bit MACs / 64)`, chart);
}

/** Means over the seeds. */
function curvesOf({ runs, variants }: StudyResult): Curve[] {
  const curve = (title: string, of: keyof RunCurves): Curve => {
    const series = variants.map(({ name }) => ({ name, y: meanCurve(runs, name, of) }));
    const length = Math.max(1, ...series.map(({ y }) => y.length));
    return {
      ...{ title, xLabel: "epoch" },
      x: Array.from({ length }, (_, i) => i + 1),
      series: series.map(({ name, y }) => ({
        name,
        y: Array.from({ length }, (_, i) => y[i] ?? null),
      })),
    };
  };
  const hasFlips = runs.some(({ curves }) => curves?.flipRate.some((rate) => rate !== null));
  return [
    curve("top-1 on the held-back images", "validationTop1"),
    curve("top-1 while training", "trainTop1"),
    curve("loss on the held-back images", "validationLoss"),
    curve("loss while training", "trainLoss"),
    ...(hasFlips ? [curve("flip rate of the binary weights, per step", "flipRate")] : []),
  ];
}

function meanCurve(runs: readonly RunResult[], name: string, of: keyof RunCurves) {
  const own = runs.flatMap(({ variant, curves }) =>
    variant === name && curves ? [curves[of]] : [],
  );
  const length = Math.max(0, ...own.map((values) => values.length));
  return Array.from({ length }, (_, i) => {
    const values = own.flatMap((curve) => curve[i] ?? []);
    return values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : null;
  });
}

function runsSection({ runs, measures }: StudyResult): string {
  const table = htmlTable<RunResult>(runs, [
    ["variant", ({ variant }) => escapeHtml(variant)],
    ["seed", ({ seed }) => String(seed)],
    ["", ({ status, reason }) => escapeHtml(reason ?? (status === "done" ? "" : status))],
    ["epoch kept", ({ epoch, epochs }) => (epoch ? `${epoch} of ${epochs}` : "")],
    ...measures.map(
      (measure): Column<RunResult> => [
        measure,
        ({ figures }) => figure(measure, figures?.[measure]),
      ],
    ),
    ["minutes", ({ seconds }) => (seconds === undefined ? "" : (seconds / 60).toFixed(1))],
    ["crashes", ({ failures }) => escapeHtml((failures ?? []).join("; "))],
  ]);
  return section("Runs", `<div class="scroll">${table}</div>`);
}

function provenanceOf({ runs: _, summary: __, ...rest }: StudyResult): { [name: string]: unknown } {
  return { command: `npx onebit study ${rest.name} --data ${rest.data.spec}`, ...rest };
}
