// Without a program for the platform, the package wald-wasm links. The argument says whether it is installed: a pretended one, which
// tells what it was asked for. Node remembers which packages are missing, so each case is a process. xtask/tests/web/fallback.mjs
// uses the real package.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { link, program } from "@wald/linker";

assert.equal(program(), undefined);
const data = await readFile("commands.o");
const links = link({ inputs: ["main.o", { name: "objects/commands.o", data }], args: ["--strip-all"] });
if (process.argv[2] === "missing") {
  await assert.rejects(links, /wald-wasm is not installed/);
  const ended = spawnSync("node_modules/.bin/wald", ["--version"], { encoding: "utf8" });
  assert.equal(ended.status, 1);
  assert.match(ended.stderr, /there is no program/);
} else {
  const result = await links;
  const request = JSON.parse(result.stdout, (_, value) => (value?.type === "Buffer" ? Buffer.from(value) : value));
  assert.deepEqual([result.module, result.exitCode, result.stderr], [null, 1, "linked\nerror: x\n"]);
  assert.deepEqual(request.args, ["--strip-all", "-o", "app.wasm"]);
  assert.deepEqual(
    request.inputs.map(({ name }) => name),
    ["main.o", "objects/commands.o"],
  );
  assert.ok(request.inputs[0].bytes.equals(await readFile("main.o")) && data.equals(request.inputs[1].bytes));
  const none = link({ inputs: [], signal: AbortSignal.abort() });
  await assert.rejects(none, { name: "AbortError" });
}
console.log("without a program:", process.argv[2]);
