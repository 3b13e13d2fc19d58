// Uses the package in Node: node node.mjs PACKAGE JOBS. Says what is wrong, and ends with 1.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [folder, list] = process.argv.slice(2);
const { Wald, LinkerStopped, link } = await import(pathToFileURL(join(folder, 'node.js')));
const wald = await Wald.load();
const jobs = JSON.parse(readFileSync(list));
const read = (path) => ({ name: path, bytes: readFileSync(path) });
const isSame = (one, other) => Buffer.compare(one, other) === 0;

// Everything in the folder of an input: a thin archive names its members.
const besides = (input) => {
  const found = readdirSync(dirname(input), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(found.map((entry) => join(entry.parentPath ?? entry.path, entry.name)).map((path) => [path, readFileSync(path)]));
};

// Every job gives the bytes and says the words of the command.
for (const job of jobs) {
  const { exitCode, module, diagnostics, messages, stdout } = await wald.link({ inputs: job.inputs.map(read), args: job.args, files: besides(job.inputs[0]) });
  const what = [...job.args, ...job.inputs].join(' ');
  assert.equal(exitCode, job.code, what);
  assert.equal(stdout, job.stdout, what);
  const lines = job.stderr.split('\n').filter(Boolean).map((line) => JSON.parse(line));
  assert.deepEqual(diagnostics, lines.filter(({ type }) => type === 'diagnostic'), what);
  assert.deepEqual(messages, lines.filter(({ type }) => type === 'message').map(({ text }) => text), what);
  if (job.module) assert(isSame(module, readFileSync(job.module)), `other bytes: ${what}`);
  else assert.equal(module, undefined, what);
}

// The demo: a report, a map, other outputs, libraries in a folder, a response file, arguments that say where an input belongs.
const [demo] = jobs;
const inputs = demo.inputs.map(read);
// The output's file name is in the module.
const reference = (await wald.link({ inputs })).module;
const full = await wald.link({ inputs, args: ['--why-extract=why.txt', '--trace'], report: true, map: true });
assert.equal(JSON.parse(full.report).schema, 'wald-report');
assert(full.map.includes('_start') && full.stdout.includes('libdemo.a') && full.outputs.get('why.txt').length > 0);
assert(isSame(full.module, reference));
assert(isSame((await link({ inputs })).module, reference));
const page = await wald.link({ inputs, report: 'html' });
assert(page.report.startsWith('<!doctype html>') && page.map === undefined);
const archive = inputs.at(-1);
const objects = inputs.slice(0, -1);
const library = await wald.link({ inputs: objects, args: [...objects.map(({ name }) => name), '-Llib', '-ldemo'], files: { 'lib/libdemo.a': archive.bytes } });
assert(isSame(library.module, reference), 'the archive as a library');
const missing = await wald.link({ inputs: objects, args: ['-Llib', '-ldmo'], files: { 'lib/libdemo.a': archive.bytes } });
assert.equal(missing.exitCode, 1);
assert(missing.diagnostics[0].helps[0].text.includes('did you mean -ldemo'), JSON.stringify(missing.diagnostics[0]));
const response = await wald.link({ inputs, args: ['@args'], files: new Map([['args', new TextEncoder().encode('--strip-all')]]) });
assert(response.exitCode === 0 && response.module.length < reference.length);
const placed = await wald.link({ inputs: objects, args: [archive.name, '-o', 'x/y.wasm'] , files: { [archive.name]: archive.bytes } });
assert(placed.exitCode === 0 && placed.module.length > 0);
assert.match((await wald.run(['--version'])).stdout, /Wald/);
assert.match((await wald.run(['--watch', 'a.o', '-o', 'b.wasm'])).stderr, /--watch: not available in WebAssembly/);
assert(wald.options.some(({ options }) => options.some(({ spellings }) => spellings.includes('--export-all'))));
await assert.rejects(wald.link({ args: ['a\0b'] }), TypeError);
await assert.rejects(wald.link({ inputs: [{ name: 'a.o', bytes: 'text' }] }), TypeError);

// A kept linker, with inputs in another order and edits, and a unit.
const linker = wald.linker();
const ids = inputs.map(({ name }) => linker.declare(name));
[...ids.keys()].reverse().forEach((at) => linker.provide(ids[at], inputs[at].bytes));
assert.throws(() => linker.provide(ids[0], inputs[0].bytes), /already/);
assert.throws(() => linker.replace(99), /there is no input 99/);
for (let turn = 0; turn < 3; turn += 1) {
  assert(isSame((await linker.finish()).module, reference), `turn ${turn}`);
  linker.replace(ids[turn], inputs[turn].bytes);
}
linker.replace(ids[0], new Uint8Array([1, 2, 3, 4]));
const broken = await linker.finish();
assert.equal(broken.exitCode, 1);
assert.match(broken.diagnostics[0].message, /unknown file type/);
linker.replace(ids[0], inputs[0].bytes);
assert(isSame((await linker.finish()).module, reference), 'after an error');

const own = wald.linker(['--no-entry', '--export=answer']);
const unit = own.unit();
const answer = (number) => unit.define('answer', { function: { results: ['i32'] }, bytes: Uint8Array.of(0, 0x41, number, 0x0b) });
answer(42);
const id = own.declare('unit');
own.provide(id, unit);
const run = async () => (await WebAssembly.instantiate((await own.finish()).module, {})).instance.exports.answer();
assert.equal(await run(), 42);
answer(43);
own.replace(id, unit);
assert.equal(await run(), 43);
assert.throws(() => unit.define('f', { function: {}, bytes: Uint8Array.of(0, 0x10, 0x80, 0x80, 0x80, 0x80, 0, 0x0b), relocations: [{ type: 'R_WASM_FUNCTION_INDEX_LEB', offset: 2, symbol: 'g' }] }), /g, which is not in the unit/);

// A trap is a rejection, and the next link has a new instance. A module that always traps is linked by Wald itself.
const traps = wald.linker(['--no-entry', '--export-memory', '--export-all']);
const fake = traps.unit();
const i32 = (count) => Array(count).fill('i32');
for (const [name, parameters, results] of [['wald_start', 0, 0], ['wald_alloc', 1, 1], ['wald_panic', 0, 1], ['wald_panic_size', 0, 1]]) {
  const body = results ? [0, 0x41, name === 'wald_alloc' ? 64 - 128 & 0x7f : 0, 0x0b] : [0, 0x0b];
  if (name === 'wald_alloc') body.splice(0, body.length, 0, 0x41, 0xc0, 0, 0x0b);
  fake.define(name, { function: { parameters: i32(parameters), results: i32(results) }, bytes: Uint8Array.from(body) });
}
fake.define('wald_run', { function: { parameters: i32(2), results: ['i32'] }, bytes: Uint8Array.of(0, 0, 0x0b) });
traps.provide(traps.declare('fake'), fake);
const trapping = await Wald.load((await traps.finish()).module);
for (let turn = 0; turn < 2; turn += 1) await assert.rejects(trapping.link({ args: ['x'] }), (error) => error instanceof LinkerStopped && /^wald: out of memory/.test(error.message));
class Huge extends Uint8Array {
  get length() { return 0xfffff000; }
}
await assert.rejects(wald.link({ inputs: [{ name: 'huge.o', bytes: new Huge(8) }] }), LinkerStopped);
assert(isSame((await wald.link({ inputs })).module, reference), 'after a trap');
console.log(`${jobs.length} jobs`);
