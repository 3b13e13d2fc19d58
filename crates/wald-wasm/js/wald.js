// The package in browsers, workers and Deno: the module is beside this file.
import { Wald as Core } from './core.js';

export { LinkerStopped } from './core.js';

export class Wald extends Core {
  static load(source = new URL('./wald.wasm', import.meta.url)) {
    return super.load(source);
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
