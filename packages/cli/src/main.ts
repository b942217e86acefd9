#!/usr/bin/env node
import { fileURLToPath } from "node:url";
import { runCli } from "./cli.js";
import { watchStreams } from "./streams.js";

process.env.ONEBIT_PROGRAM = fileURLToPath(import.meta.url);
watchStreams();
const status = await runCli(process.argv);
process.exitCode = status || process.exitCode;
