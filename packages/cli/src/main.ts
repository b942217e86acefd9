#!/usr/bin/env node
import { runCli } from "./cli.js";
import { watchStreams } from "./streams.js";

watchStreams();
const status = await runCli(process.argv);
process.exitCode = status || process.exitCode;
