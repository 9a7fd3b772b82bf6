// Compiles a Noir program, or executes one: `node noir.mjs compile FOLDER` and `node noir.mjs execute FOLDER`.
// Progress goes to stderr, which truestep keeps; files are in FOLDER.
import fs from 'node:fs';
import path from 'node:path';

const [verb, folder] = process.argv.slice(2);
const file = (name) => path.join(folder, name);

function fail(error) {
  const said = [error.message ?? error, ...(error.diagnostics ?? []).map((each) => each.message)];
  process.stderr.write(`${said.join('\n').slice(0, 4000)}\n`);
  process.exit(1);
}

async function compile() {
  const { createFileManager, compile_program } = await import('@noir-lang/noir_wasm');
  const compiled = await compile_program(createFileManager(folder));
  fs.writeFileSync(file('program.json'), JSON.stringify(compiled.program ?? compiled));
}

async function execute() {
  const { Noir } = await import('@noir-lang/noir_js');
  const noir = new Noir(JSON.parse(fs.readFileSync(file('program.json'), 'utf8')));
  const { witness } = await noir.execute(JSON.parse(fs.readFileSync(file('input.json'), 'utf8')));
  fs.writeFileSync(file('witness.gz'), witness);
}

await (verb === 'compile' ? compile() : execute()).catch(fail);
