// The worker that links. In its script, wald.js and toy.js come before it.
'use strict';

let wald;
let live;
// The last job, for the report and the map: they are made only when somebody looks at them.
let job;

const now = () => performance.now();

const answers = {
  async load({ source }) {
    const module = source instanceof WebAssembly.Module ? source : await compile(await bytesOf(source));
    wald = await Wald.load(module);
    return { module };
  },

  async options() {
    return wald.options;
  },

  async link({ inputs, args }, progress) {
    const begin = now();
    let read = 0;
    const all = [];
    for (const { name, file, role } of inputs) {
      all.push({ name, role, bytes: new Uint8Array(await file.arrayBuffer()) });
      read += 1;
      progress({ read, count: inputs.length });
    }
    const isLibrary = ({ role }) => role === 'library';
    job = {
      inputs: all.filter((input) => !isLibrary(input)),
      files: Object.fromEntries(all.filter(isLibrary).map(({ name, bytes }) => [`lib/${name}`, bytes])),
      args: all.some(isLibrary) ? ['-Llib', ...args] : args,
    };
    const linking = now();
    const result = await wald.link(job);
    const { module, exitCode, diagnostics, messages, stdout } = result;
    const took = now() - linking;
    // As a blob it is not copied again.
    const output = module && { blob: new Blob([module], { type: 'application/wasm' }), size: module.length, functions: exportedFunctions(module) };
    return { exitCode, diagnostics, messages, stdout, output, took, reading: linking - begin };
  },

  async extra({ kind }) {
    if (!job) return undefined;
    const result = await wald.link({ ...job, ...(kind === 'report' ? { report: 'html' } : { map: true }) });
    return result[kind];
  },

  async live({ text }) {
    live ??= new LiveProgram(wald);
    return live.update(text);
  },
};

// The names of the exported functions, `_start` first. Reads no other section: the module may be large.
function exportedFunctions(module) {
  const EXPORTS = 7, FUNCTION = 0;
  let at = 8;
  const number = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = module[at++];
      value |= (byte & 0x7f) << shift;
      if (!(byte & 0x80)) return value >>> 0;
    }
  };
  while (at < module.length) {
    const id = module[at++];
    const size = number();
    if (id !== EXPORTS) {
      at += size;
      continue;
    }
    const names = [];
    for (let count = number(); count > 0; count -= 1) {
      const length = number();
      const name = decoder.decode(module.subarray(at, at + length));
      at += length;
      if (module[at++] === FUNCTION) names.push(name);
      number();
    }
    return names.sort((one, other) => (other === '_start') - (one === '_start'));
  }
  return [];
}

// A page that was opened as a file cannot fetch others, so it has the module as a text.
async function bytesOf({ base64 }) {
  try {
    return new Uint8Array(await (await fetch(`data:application/wasm;base64,${base64}`)).arrayBuffer());
  } catch {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  }
}

onmessage = async ({ data: { id, ask, ...question } }) => {
  try {
    const answer = await answers[ask](question, (progress) => postMessage({ id, progress }));
    postMessage({ id, answer });
  } catch (error) {
    postMessage({ id, error: error.message || String(error) });
  }
};
