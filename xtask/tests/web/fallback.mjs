// The package @wald/linker, which has no program for this platform here, links by the package wald-wasm. Arguments: where the module
// goes, and the inputs.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { link, program } from '@wald/linker';

const [, , output, ...paths] = process.argv;
assert.equal(program(), undefined);
const [first, ...others] = paths;
const inputs = [{ name: 'first.o', data: await readFile(first) }, ...others];
const linked = await link({ inputs, output: 'out.wasm' });
assert.deepEqual([linked.exitCode, linked.diagnostics, linked.stderr], [0, [], '']);
await writeFile(output, linked.module);
const failed = await link({ inputs: paths.slice(0, 1) });
assert.deepEqual([failed.exitCode, failed.module], [1, null]);
assert.equal(failed.diagnostics[0].name, 'undefined-symbol');
assert.match(failed.stderr, /error: .*undefined symbol/);
