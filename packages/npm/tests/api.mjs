// Links with the API, in a folder in which the packages are installed and the demo's objects are.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import os from "node:os";
import { link } from "@wald/linker";

const OBJECTS = ["main", "commands", "index", "query", "stop_words", "watch", "heap", "wasi"].map((name) => `${name}.o`);
const INPUTS = [...OBJECTS, "libdemo.a"];
const require = createRequire(import.meta.url);
assert.equal(require("@wald/linker").link, link);

// The command is found by npm, and its exit code is passed on.
const run = (...args) => spawnSync("node_modules/.bin/wald", args, { encoding: "utf8" });
assert.equal(run(...INPUTS, "-o", "app.wasm").status, 0);
const failed = run("missing.o");
assert.equal(failed.status, 1);
assert.match(failed.stderr, /missing\.o/);

// Paths and bytes give the same module, and so does the command. Several links may run at once.
const leftovers = () => readdirSync(os.tmpdir()).filter((name) => name.startsWith("wald-"));
const before = leftovers();
const command = await readFile("app.wasm");
const bytes = await Promise.all(INPUTS.map(async (name) => ({ name: `objects/${name}`, data: await readFile(name) })));
const results = await Promise.all([
  link({ inputs: INPUTS }),
  link({ inputs: bytes }),
  link({ inputs: ["libdemo.a"], args: OBJECTS, cwd: process.cwd() }),
]);
for (const { module, exitCode, diagnostics } of results) {
  assert.equal(exitCode, 0);
  assert.deepEqual(diagnostics, []);
  assert.ok(command.equals(module));
}
const map = await link({ inputs: INPUTS, args: new Set(["--print-map"]) });
assert.match(map.stdout, /main\.o/);

// Mistakes in the inputs are data. Inputs from memory have their names in it.
const undefinedSymbol = await link({ inputs: [bytes[0]] });
assert.equal(undefinedSymbol.module, null);
assert.equal(undefinedSymbol.exitCode, 1);
const first = undefinedSymbol.diagnostics.find(({ name }) => name === "undefined-symbol");
assert.equal(first.code, "W0004");
assert.equal(first.severity, "error");
assert.equal(first.location.path, "objects/main.o");
assert.match(first.message, /^objects\/main\.o: undefined symbol: /);
assert.ok(first.notes.some(({ locations }) => locations.some(({ source }) => source?.line > 0)));
assert.match(undefinedSymbol.stderr, /^wald: error: objects\/main\.o: undefined symbol: .*\n {4}note: /);
assert.ok(!JSON.stringify(undefinedSymbol).includes(os.tmpdir()));
const wrongEntry = await link({ inputs: INPUTS, args: ["--entry=_strat"] });
assert.ok(wrongEntry.diagnostics.some(({ helps }) => helps.some(({ fix }) => fix?.kind)));
const option = await link({ inputs: INPUTS, args: ["--no-such-option"] });
assert.equal(option.diagnostics[0].name, "unknown-option");

// Mistakes in the call are exceptions, and nothing is left over.
for (const name of ["../main.o", "/main.o", "", "a/../../b"]) {
  await assert.rejects(link({ inputs: [{ name, data: bytes[0].data }] }), TypeError);
}
await assert.rejects(link({ inputs: INPUTS, output: "../app.wasm" }), TypeError);
await assert.rejects(link({ inputs: INPUTS, signal: AbortSignal.abort() }), { name: "AbortError" });
assert.deepEqual(leftovers(), before);

console.log("the API works");
