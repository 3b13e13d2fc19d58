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
    return { module, options: wald.options };
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
    const outputs = [...result.outputs].map(([path, bytes]) => ({ path, bytes }));
    return { ...result, outputs, took: now() - linking, reading: linking - begin };
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

// A page that was opened as a file cannot fetch others, so it has the module as a text.
async function bytesOf({ url, base64 }) {
  if (url) return fetch(url);
  try {
    return new Uint8Array(await (await fetch(`data:application/wasm;base64,${base64}`)).arrayBuffer());
  } catch {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  }
}

onmessage = async ({ data: { id, ask, ...question } }) => {
  try {
    const answer = await answers[ask](question, (progress) => postMessage({ id, progress }));
    const buffers = [answer?.module, ...(answer?.outputs ?? []).map(({ bytes }) => bytes)];
    postMessage({ id, answer }, buffers.filter((bytes) => bytes instanceof Uint8Array).map(({ buffer }) => buffer));
  } catch (error) {
    postMessage({ id, error: error.message || String(error) });
  }
};
