import type { CommandDeclaration } from "../flags/command.js";
import { bench } from "./bench.js";
import { bisect } from "./bisect.js";
import { data } from "./data.js";
import { embed } from "./embed.js";
import { evaluate } from "./eval.js";
import { explain } from "./explain.js";
import { exportNetwork } from "./export.js";
import { importNetwork } from "./import.js";
import { landscape } from "./landscape.js";
import { models } from "./models.js";
import { pack } from "./pack.js";
import { picture } from "./picture.js";
import { quickstart } from "./quickstart.js";
import { reestimate } from "./reestimate.js";
import { report } from "./report.js";
import { retrain } from "./retrain.js";
import { run } from "./run.js";
import { search } from "./search.js";
import { selftest } from "./selftest.js";
import { study } from "./study.js";
import { suggest } from "./suggest.js";
import { summary } from "./summary.js";
import { teachers } from "./teachers.js";
import { train } from "./train.js";
import { verify } from "./verify.js";

/** In the order of help. */
export const commands: readonly CommandDeclaration[] = [
  models,
  suggest,
  summary,
  data,
  train,
  retrain,
  study,
  teachers,
  report,
  landscape,
  picture,
  reestimate,
  importNetwork,
  pack,
  run,
  embed,
  search,
  evaluate,
  bench,
  explain,
  exportNetwork,
  verify,
  bisect,
  selftest,
  quickstart,
];
