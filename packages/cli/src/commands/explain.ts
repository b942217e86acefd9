import { explain as explainNetwork } from "../explain/explain.js";
import { partTable, stepTable, summaryLines } from "../explain/tables.js";
import { architectureFlags, architectureOptions } from "../flags/architecture.js";
import { backend } from "../flags/backend.js";
import { budgetFlags, budgetOf } from "../flags/budget.js";
import { command } from "../flags/command.js";
import { flag } from "../flags/flag.js";
import { json } from "../flags/json.js";
import { maps } from "../flags/maps.js";
import { threads } from "../flags/threads.js";
import { machine } from "../machine.js";
import { bothForms, kindOf } from "../subjects/both-forms.js";
import { terminalOutput } from "../terminal.js";
import { version } from "../version.js";

export const explain = command({
  name: "explain",
  arguments: ["<file|arch>"],
  about: "where the time and the bytes of a packed network go, and why",
  flags: [
    backend,
    threads.byDefault(1),
    maps,
    ...budgetFlags,
    flag("--all", "a row for every step, however small its share"),
    json,
    ...architectureFlags,
  ],
  async run([subject], flags, given) {
    const out = terminalOutput(flags);
    const { backend, threads, maps } = flags;
    given.checkScope({ path: subject, kind: await kindOf(subject) }, architectureFlags);
    const { name, packed } = await bothForms(subject, architectureOptions(flags));
    const explanation = await explainNetwork(name, packed, {
      ...{ backend, threads, maps },
      budget: budgetOf(flags),
    });
    out.result({ machine: machine(), version: version(), ...explanation });
    out.line(stepTable(explanation, flags.all === true));
    out.line();
    out.line(partTable(explanation));
    out.line();
    for (const line of summaryLines(explanation)) out.line(line);
  },
});
