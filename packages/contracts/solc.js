#!/usr/bin/env node
// The compiler from npm, as forge runs a compiler: `solc.js --version`, `solc.js --standard-json`.
const { readFileSync } = require("node:fs");
const solc = require("solc");

if (process.argv.includes("--standard-json")) {
  process.stdout.write(solc.compile(readFileSync(0, "utf8")));
} else {
  process.stdout.write(`solc, the solidity compiler commandline interface\nVersion: ${solc.version()}\n`);
}
