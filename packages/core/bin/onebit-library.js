#!/usr/bin/env node
// What `npx onebit` runs where the command line is not installed: the command's name is @onebit/cli's.
process.stderr.write(
  "onebit is the library. Its command line is a package of its own, @onebit/cli: install it as onebit\n" +
    "was (of tarballs, name all in one command: npm install FOLDER/*.tgz). Then: npx onebit --help\n",
);
process.exitCode = 1;
