#!/usr/bin/env node
// What `npx onebit` runs where the command line is not installed: the command's name is @onebit/cli's.
process.stderr.write(
  "onebit is the library. Its command line is a package of its own:\n\n" +
    "  npm install @onebit/cli    # then: npx onebit --help\n" +
    "  npx @onebit/cli --help     # without installing\n",
);
process.exitCode = 1;
