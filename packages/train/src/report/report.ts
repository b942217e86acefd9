import { pageHtml } from "./page-html.js";
import {
  confusionSection,
  curvesSection,
  factsSection,
  latencySection,
  layersSection,
  provenanceSection,
  samplesSection,
  warningsSection,
} from "./sections.js";
import type { Report } from "./types.js";
import { watchedSection } from "./watched-section.js";

/** One self-contained HTML page: no network, no files beside it. */
export function reportHtml(report: Report): Promise<string> {
  const { title, summary } = report;
  const sections = [
    factsSection(report.facts),
    warningsSection(report.warnings ?? []),
    report.curves && curvesSection(report.curves),
    report.watched && watchedSection(report.watched),
    report.samples && samplesSection(report.samples),
    report.confusion && confusionSection(report.confusion),
    report.latency && latencySection(report.latency),
    report.layers && layersSection(report.layers),
    provenanceSection(report.provenance),
  ];
  return pageHtml({ title, summary, sections });
}
