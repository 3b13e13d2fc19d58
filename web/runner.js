// The worker that runs a linked module. In its script, wasi.js comes before it. It ends with the program.
'use strict';

// Output is sent in parts of this size, after so many milliseconds, or when the program ends.
const PART = 1 << 14;
const PAUSE = 40;

const pending = [];
let size = 0;
let sent = 0;

function flush() {
  if (pending.length === 0) return;
  postMessage({ output: pending.splice(0) });
  size = 0;
  sent = performance.now();
}

function write(fd, bytes) {
  pending.push({ fd, bytes });
  size += bytes.length;
  if (size >= PART || performance.now() - sent > PAUSE) flush();
}

// What the module wants that nobody provides here, as functions that say so.
function importsFor(module, wasi) {
  const imports = {};
  for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
    imports[from] ??= {};
    if (from === 'wasi_snapshot_preview1' && kind === 'function') imports[from][name] = wasi[name];
    else if (kind === 'function') imports[from][name] = () => { throw new Error(`the program called ${from}.${name}, which this page does not have`); };
    else throw new Error(`the module imports the ${kind} ${from}.${name}, which this page does not have`);
  }
  return imports;
}

// The text of an argument as a value of WebAssembly: an i64 is a BigInt.
function valueOf(text) {
  return /^-?\d+n$/.test(text) ? BigInt(text.slice(0, -1)) : Number(text);
}

async function run({ blob, args, stdin, files, name }) {
  const module = await WebAssembly.compile(await blob.arrayBuffer());
  const isProgram = name === '_start';
  const wasi = new Wasi({ args: isProgram ? args : ['module'], stdin: new TextEncoder().encode(stdin), files, write });
  const instance = await WebAssembly.instantiate(module, importsFor(module, wasi.imports));
  const memory = Object.values(instance.exports).find((value) => value instanceof WebAssembly.Memory);
  wasi.memory = memory ?? new WebAssembly.Memory({ initial: 1 });
  try {
    if (isProgram) {
      instance.exports._start();
      return { code: 0 };
    }
    instance.exports._initialize?.();
    const result = instance.exports[name](...args.map(valueOf));
    return { value: result === undefined ? 'nothing' : String(result) };
  } catch (error) {
    if (error instanceof ProgramExit) return { code: error.code };
    throw error;
  }
}

onmessage = async ({ data }) => {
  const begin = performance.now();
  let ended;
  try {
    ended = await run(data);
  } catch (error) {
    ended = { error: error.message || String(error), trace: error instanceof WebAssembly.RuntimeError ? error.stack : undefined };
  }
  flush();
  postMessage({ ended: { ...ended, took: performance.now() - begin } });
};
