#!/usr/bin/env node
import { fileURLToPath } from "node:url";
import { runCli } from "./cli.js";
import { watchStreams } from "./streams.js";

// ONNX Runtime would keep a record of its use, to send it to its makers. Its threads see it only if it is set here.
process.env.ORT_DISABLE_TELEMETRY ??= "1";
process.env.ONEBIT_PROGRAM = fileURLToPath(import.meta.url);
watchStreams();
const status = await runCli(process.argv);
process.exitCode = status || process.exitCode;
