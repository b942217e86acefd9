import type { CommandDeclaration } from "../flags/command.js";
import { bench } from "./bench.js";
import { bisect } from "./bisect.js";
import { data } from "./data.js";
import { evaluate } from "./eval.js";
import { explain } from "./explain.js";
import { exportNetwork } from "./export.js";
import { importNetwork } from "./import.js";
import { models } from "./models.js";
import { pack } from "./pack.js";
import { quickstart } from "./quickstart.js";
import { run } from "./run.js";
import { selftest } from "./selftest.js";
import { study } from "./study.js";
import { summary } from "./summary.js";
import { train } from "./train.js";
import { verify } from "./verify.js";

/** In the order of help. */
export const commands: readonly CommandDeclaration[] = [
  models,
  summary,
  data,
  train,
  study,
  importNetwork,
  pack,
  run,
  evaluate,
  bench,
  explain,
  exportNetwork,
  verify,
  bisect,
  selftest,
  quickstart,
];
