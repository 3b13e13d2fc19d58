// The package in Node: its fetch() does not read files, so the module is read here.
import { readFile } from 'node:fs/promises';
import { Wald as Core } from './core.js';

export { LinkerStopped } from './core.js';

export class Wald extends Core {
  static async load(source = new URL('./wald.wasm', import.meta.url)) {
    const isFile = source instanceof URL ? source.protocol === 'file:' : typeof source === 'string' && !/^(https?|data|blob):/.test(source);
    return super.load(isFile ? await readFile(source) : source);
  }
}

let shared;

export async function link(job) {
  shared ??= Wald.load().catch((error) => {
    shared = undefined;
    throw error;
  });
  return (await shared).link(job);
}
