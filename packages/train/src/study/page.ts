import type { StudyResult } from "./study-result.js";

export async function studyPage(result: StudyResult): Promise<string> {
  return `<!doctype html><title>${result.name}</title>`;
}
