// The workers. Their scripts are texts in parts.js, because a page that was opened as a file cannot load others. This script is the
// first, so that the linker is fetched and compiled while the page is still being read.
'use strict';

function startWorker(name) {
  const address = URL.createObjectURL(new Blob([PARTS[name]], { type: 'text/javascript' }));
  const worker = new Worker(address);
  URL.revokeObjectURL(address);
  return worker;
}

function fromBase64(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

// Compiles the linker, not on this thread. If the page was opened as a file, it comes from a script with its bytes, for the worker.
async function linkerSource() {
  if (location.protocol !== 'file:') {
    const response = await fetch('wald.wasm');
    if (!response.ok) throw new Error(`${response.url}: ${response.status} ${response.statusText}`);
    const isNamed = response.headers.get('content-type')?.startsWith('application/wasm');
    return isNamed ? WebAssembly.compileStreaming(response) : WebAssembly.compile(await response.arrayBuffer());
  }
  return new Promise((resolve, reject) => {
    const script = document.createElement('script');
    script.src = 'wald.wasm.js';
    script.onload = () => resolve({ base64: WALD_WASM });
    script.onerror = () => reject(new Error('wald.wasm.js is not beside the page'));
    document.head.append(script);
  });
}

// The compiled module, which all workers share.
let compiled = linkerSource();
compiled.catch(() => {});

// A worker that links. It can be stopped at any time; the next question starts another one.
class LinkWorker {
  #worker;
  #questions = new Map();
  #next = 0;
  #loaded;

  // Starts the worker, unless it runs.
  load() {
    this.#loaded ??= this.#load();
    return this.#loaded;
  }

  async #load() {
    this.#worker = startWorker('linker');
    this.#worker.onmessage = ({ data }) => this.#answer(data);
    this.#worker.onerror = (event) => this.#fail(new Error(event.message || 'the worker cannot be started'));
    const { module } = await this.#ask('load', { source: await compiled });
    compiled = module;
  }

  #ask(ask, question, progress) {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#questions.set(id, { resolve, reject, progress });
      this.#worker.postMessage({ id, ask, ...question });
    });
  }

  async ask(ask, question, progress) {
    await this.load();
    return this.#ask(ask, question, progress);
  }

  #answer({ id, answer, error, progress }) {
    const question = this.#questions.get(id);
    if (!question) return;
    if (progress) {
      question.progress?.(progress);
      return;
    }
    this.#questions.delete(id);
    if (error === undefined) question.resolve(answer);
    else question.reject(new Error(error));
  }

  #fail(error) {
    for (const { reject } of this.#questions.values()) reject(error);
    this.#questions.clear();
  }

  stop(reason = 'cancelled') {
    this.#worker?.terminate();
    this.#worker = undefined;
    this.#loaded = undefined;
    this.#fail(new Error(reason));
  }
}
