// The API: links by the program of the platform, or without one by the package wald-wasm.
"use strict";

const fs = require("node:fs/promises");
const path = require("node:path");
const native = require("./native.js");
const { program } = require("./program.js");

async function link(request) {
  const checked = check(request);
  const found = program();
  return found === undefined ? linkInside(checked) : native.link(found, checked);
}

function check({ inputs, args = [], output = "app.wasm", cwd = process.cwd(), signal }) {
  if (path.basename(output) !== output || output === "" || output === "..") {
    throw new TypeError(`output must be a name without folders: ${output}`);
  }
  for (const input of inputs) {
    const name = typeof input === "string" ? undefined : input.name;
    if (name !== undefined && !isInside(name)) {
      throw new TypeError(`the name of an input must be a relative path without '..': ${name}`);
    }
  }
  return { inputs: [...inputs], args: [...args], output, cwd, signal };
}

function isInside(name) {
  const normal = path.normalize(name);
  return normal !== "." && !path.isAbsolute(normal) && normal.split(path.sep)[0] !== "..";
}

/** Links by wald-wasm, which has no files: it is given the bytes of all inputs. */
async function linkInside({ inputs, args, output, cwd, signal }) {
  const wasm = await import("wald-wasm").catch(() => {
    throw new Error(
      `there is no program of Wald for ${process.platform} on ${process.arch}; the package wald-wasm is not installed either`,
    );
  });
  const read = async (input) =>
    typeof input === "string"
      ? { name: input, bytes: await fs.readFile(path.resolve(cwd, input)) }
      : { name: input.name, bytes: input.data };
  const files = await Promise.all(inputs.map(read));
  signal?.throwIfAborted();
  const linked = await wasm.link({ inputs: files, args: [...args, "-o", output] });
  const diagnostics = linked.diagnostics.map(({ type, ...diagnostic }) => diagnostic);
  const said = [...linked.messages, ...diagnostics.map(({ rendered }) => rendered)];
  const stderr = said.map((text) => (text.endsWith("\n") ? text : `${text}\n`)).join("");
  return { module: linked.module ?? null, diagnostics, exitCode: linked.exitCode, stdout: linked.stdout, stderr };
}

exports.link = link;
exports.program = program;
