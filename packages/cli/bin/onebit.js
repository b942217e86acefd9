#!/usr/bin/env node
// Present before the build, so that npm can link the command on a fresh clone.
import "../dist/main.js";
