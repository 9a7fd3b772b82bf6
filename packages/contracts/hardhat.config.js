// `hardhat compile`, with the compiler from npm: Hardhat would download one.
const path = require("node:path");
const { subtask } = require("hardhat/config");
const { TASK_COMPILE_SOLIDITY_GET_SOLC_BUILD } = require("hardhat/builtin-tasks/task-names");
const solidity = require("./solidity.json");

subtask(TASK_COMPILE_SOLIDITY_GET_SOLC_BUILD, async ({ solcVersion }) => {
  const solc = require("solc");
  if (!solc.version().startsWith(`${solcVersion}+`)) {
    throw new Error(`expected solc ${solcVersion}, got ${solc.version()}: npm install`);
  }
  const compilerPath = path.join(path.dirname(require.resolve("solc")), "soljson.js");
  return { compilerPath, isSolcJs: true, version: solcVersion, longVersion: solc.version() };
});

module.exports = {
  solidity,
  paths: { sources: "src", artifacts: "artifacts", cache: "cache/hardhat" },
};
