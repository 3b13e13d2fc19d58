// Links by the program of the platform, in a process of its own.
"use strict";

const { spawn } = require("node:child_process");
const fs = require("node:fs/promises");
const os = require("node:os");
const path = require("node:path");

/** Links by the program at `program`. Its inputs from memory and its output are files of a temporary folder. */
async function link(program, { inputs, args, output, cwd, signal }) {
  const folder = await fs.mkdtemp(path.join(os.tmpdir(), "wald-"));
  try {
    const paths = await Promise.all(inputs.map((input, number) => place(folder, input, number)));
    const file = path.join(folder, output);
    // The last ones count.
    const own = ["--diagnostics-format=json", "-o", file];
    const ended = await run(program, [...args, ...paths, ...own], { cwd, signal });
    const { diagnostics, stderr } = read(ended.stderr, folder);
    const module = ended.exitCode === 0 ? await fs.readFile(file).catch(() => null) : null;
    return { module, diagnostics, exitCode: ended.exitCode, stdout: ended.stdout, stderr };
  } finally {
    await fs.rm(folder, { recursive: true, force: true });
  }
}

/** The path of an input. One from memory becomes a file in a folder of its own, so that two may have one name. */
async function place(folder, input, number) {
  if (typeof input === "string") {
    return input;
  }
  const own = path.join(folder, String(number));
  const file = path.join(own, input.name);
  await fs.mkdir(path.dirname(file), { recursive: true });
  await fs.writeFile(file, input.data);
  return file;
}

function run(program, args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { ...options, stdio: ["ignore", "pipe", "pipe"], windowsHide: true });
    const [stdout, stderr] = [[], []];
    child.stdout.on("data", (bytes) => stdout.push(bytes));
    child.stderr.on("data", (bytes) => stderr.push(bytes));
    child.on("error", reject);
    child.on("close", (code, signal) => {
      if (signal) {
        reject(new Error(`wald was ended by ${signal}`));
      } else {
        resolve({ exitCode: code, stdout: text(stdout), stderr: text(stderr) });
      }
    });
  });
}

function text(chunks) {
  return Buffer.concat(chunks).toString("utf8");
}

/** Takes apart what the program prints: an object per line. Inputs from memory get their names back. */
function read(printed, folder) {
  const named = (text) => {
    const [first, ...rest] = text.split(folder + path.sep);
    return first + rest.map((part) => part.replace(/^\d+[/\\]/, "")).join("");
  };
  const revive = (_, value) => (typeof value === "string" ? named(value) : value);
  const diagnostics = [];
  let stderr = "";
  for (const line of printed.split("\n").filter((line) => line !== "")) {
    const value = parse(line, revive);
    if (value?.type === "diagnostic") {
      const { type, ...diagnostic } = value;
      diagnostics.push(diagnostic);
    }
    stderr += ensureLine(value?.rendered ?? value?.text ?? named(line));
  }
  return { diagnostics, stderr };
}

function parse(line, revive) {
  try {
    return JSON.parse(line, revive);
  } catch {
    // What a crashing process or a tool that Wald starts says.
    return undefined;
  }
}

function ensureLine(text) {
  return text.endsWith("\n") ? text : `${text}\n`;
}

module.exports = { link };
