import { metricNames, metricOf } from "../report/history-curves.js";
import { type Column, escapeHtml, htmlTable, section } from "../report/html.js";
import { pageHtml } from "../report/page-html.js";
import { curvesSection, provenanceSection, warningsSection } from "../report/sections.js";
import type { Curve } from "../report/types.js";
import { type EpochEvent, evaluated } from "../run/events.js";
import type { ComparedRun, RunComparison } from "./comparison.js";
import type { DifferingSetting } from "./settings.js";

/** One self-contained page: curves of the runs, their final figures, and the settings in which they differ. */
export function comparisonPage(comparison: RunComparison): Promise<string> {
  const { runs, settings } = comparison;
  const count = runs.length === 1 ? "1 run" : `${runs.length} runs`;
  return pageHtml({
    title: `${count}: ${runs.map(({ name }) => name).join(", ")}`,
    summary: partsNote(runs),
    sections: [
      warningsSection(
        runs.flatMap(({ name, warnings }) => warnings.map((text) => `${name}. ${text}`)),
      ),
      figuresSection(runs),
      settingsSection(runs, settings),
      curvesSection(curvesOf(runs)),
      provenanceSection({
        runs: runs.map(({ history: _, warnings: __, ...run }) => run),
        settings,
      }),
    ],
  });
}

function partsNote(runs: readonly ComparedRun[]): string {
  const parts = new Set(runs.map(({ part }) => part));
  if (parts.size > 1) {
    return "Some runs were evaluated on test images, others on held-back ones (validation): do not compare these figures.";
  }
  const [part] = parts;
  return `Epochs were evaluated on the ${part === "test" ? "test" : "held-back"} images.`;
}

const share = (value: number | undefined) =>
  value === undefined ? "" : `${(100 * value).toFixed(2)} %`;

function figuresSection(runs: readonly ComparedRun[]): string {
  const columns: Column<ComparedRun>[] = [
    ["run", ({ name }) => `<b>${escapeHtml(name)}</b>`],
    ["recipe", ({ recipe }) => escapeHtml(recipe)],
    ["data", ({ data }) => escapeHtml(data)],
    [
      "epochs",
      ({ epochs, finished }) => `${epochs.done} of ${epochs.of}${finished ? "" : ", not finished"}`,
    ],
    ["evaluated on", ({ part }) => part],
    [
      "best top-1",
      ({ best }) => (best ? `${share(best.top1)} (epoch ${best.epoch})` : "not binary yet"),
    ],
    ["last top-1", ({ last }) => share(last.evaluated.top1)],
    ["last loss", ({ last }) => last.evaluated.loss.toFixed(4)],
    ["training top-1", ({ last }) => share(last.train.top1)],
    ["training loss", ({ last }) => last.train.loss.toFixed(4)],
    ...(runs.some(({ test }) => test)
      ? [["test top-1", ({ test }: ComparedRun) => share(test?.top1)] as const]
      : []),
    ["minutes", ({ seconds }) => (seconds / 60).toFixed(1)],
  ];
  return section("Figures", `<div class="scroll">${htmlTable(runs, columns)}</div>`);
}

function settingsSection(
  runs: readonly ComparedRun[],
  settings: readonly DifferingSetting[],
): string {
  if (runs.length < 2) return "";
  const title = "Settings in which they differ";
  if (!settings.length) return section(title, "<p>None: these runs were begun alike.</p>");
  const columns: Column<DifferingSetting>[] = [
    ["setting", ({ name }) => escapeHtml(name)],
    ...runs.map(
      ({ name }, i): Column<DifferingSetting> => [
        name,
        ({ values }) => escapeHtml(shortened(values[i])),
      ],
    ),
  ];
  return section(title, `<div class="scroll">${htmlTable(settings, columns)}</div>`);
}

/** Lists of classes may have thousands of names. */
const shortened = (text: string | null) =>
  text === null ? "" : text.length > 80 ? `${text.slice(0, 80)}...` : text;

function curvesOf(runs: readonly ComparedRun[]): Curve[] {
  const length = Math.max(...runs.map(({ history }) => history.length));
  const curve = (title: string, of: (epoch: EpochEvent) => number | null): Curve => ({
    ...{ title, xLabel: "epoch" },
    x: Array.from({ length }, (_, i) => i + 1),
    series: runs.map(({ name, history }) => ({
      name,
      y: Array.from({ length }, (_, i) => (i < history.length ? of(history[i]) : null)),
    })),
  });
  const curves = [
    curve("top-1, evaluated", (epoch) => evaluated(epoch).scores.top1),
    curve("loss, evaluated", (epoch) => evaluated(epoch).scores.loss),
    curve("top-1 while training", ({ train }) => train.top1),
    curve("loss while training", ({ train }) => train.loss),
    curve("flip rate of the binary weights, per step", ({ flipRate }) => flipRate),
    curve("learning rate", ({ learningRate }) => learningRate),
    ...metricNames(runs.flatMap(({ history }) => history)).map((name) =>
      curve(name, (epoch) => metricOf(epoch, name)),
    ),
  ];
  return curves.filter(({ series }) => series.some(({ y }) => y.some((value) => value !== null)));
}
