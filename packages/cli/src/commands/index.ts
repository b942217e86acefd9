import type { Command } from "commander";
import { registerBench } from "./bench.js";
import { registerBisect } from "./bisect.js";
import { registerData } from "./data.js";
import { registerEval } from "./eval.js";
import { registerExplain } from "./explain.js";
import { registerExport } from "./export.js";
import { registerImport } from "./import.js";
import { registerModels } from "./models.js";
import { registerPack } from "./pack.js";
import { registerQuickstart } from "./quickstart.js";
import { registerRun } from "./run.js";
import { registerSelftest } from "./selftest.js";
import { registerSummary } from "./summary.js";
import { registerTrain } from "./train.js";
import { registerVerify } from "./verify.js";

export function registerCommands(program: Command): void {
  registerModels(program);
  registerSummary(program);
  registerData(program);
  registerTrain(program);
  registerImport(program);
  registerPack(program);
  registerRun(program);
  registerEval(program);
  registerBench(program);
  registerExplain(program);
  registerExport(program);
  registerVerify(program);
  registerBisect(program);
  registerSelftest(program);
  registerQuickstart(program);
}
