#!/usr/bin/env node
// Present before the build, so that npm can link the command on a fresh clone. An older Node is told so
// before it stumbles over what it does not know.
const [major, minor] = process.versions.node.split(".").map(Number);
if (major > 20 || (major === 20 && minor >= 19)) await import("../dist/main.js");
else {
  process.stderr.write(
    `error: onebit needs Node 20.19 or newer, this is ${process.versions.node}: update it (nodejs.org)\n`,
  );
  process.exitCode = 1;
}
