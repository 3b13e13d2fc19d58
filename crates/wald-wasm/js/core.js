// Wald in JavaScript: loads the module, copies files in and results out. No imports, so it works in browsers, workers, Node and Deno, and
// without its last line also as a classic script. wald.d.ts describes the interface.

// A reused instance with more memory than this is given up: the memory of WebAssembly never shrinks.
const MOST_MEMORY = 64 << 20;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

// The linker stopped in the middle: a fault of Wald, or the memory is exhausted. What it knew is lost; the inputs are not changed.
class LinkerStopped extends Error {
  constructor(message, cause) {
    super(message, { cause });
    this.name = 'LinkerStopped';
  }
}

// One instance of the module.
class Machine {
  constructor(instance) {
    this.exports = instance.exports;
    this.stopped = undefined;
    this.exports.wald_start();
  }

  get memory() {
    return this.exports.memory.buffer;
  }

  // Copies bytes into memory that the call will own.
  put(bytes) {
    const address = this.exports.wald_alloc(bytes.length) >>> 0;
    if (address === 0) this.stop(new RangeError('no memory'));
    new Uint8Array(this.memory, address, bytes.length).set(bytes);
    return [address, bytes.length];
  }

  putText(text) {
    return this.put(encoder.encode(text));
  }

  // Calls an export. A trap ends this instance.
  call(name, ...values) {
    if (this.stopped) throw new LinkerStopped(`this linker has stopped: ${this.stopped}`);
    try {
      return this.exports[name](...values);
    } catch (error) {
      return this.stop(error);
    }
  }

  stop(error) {
    const size = this.exports.wald_panic_size();
    const told = decoder.decode(new Uint8Array(this.memory, this.exports.wald_panic() >>> 0, size));
    const used = Math.round(this.memory.byteLength / 2 ** 20);
    const isMemory = error instanceof RangeError && /memory/.test(error.message) || !told && /unreachable/.test(error.message);
    if (told) this.stopped = `wald: internal error: ${told}`;
    else if (isMemory) this.stopped = `wald: out of memory (${used} MB are in use)`;
    else this.stopped = `wald: internal error: ${error.message}`;
    throw new LinkerStopped(this.stopped, error);
  }

  // The bytes of a result, as a copy.
  slot(number) {
    const address = this.exports.wald_slot(number) >>> 0;
    return new Uint8Array(this.memory, address, this.exports.wald_slot_size(number) >>> 0).slice();
  }

  slotText(number) {
    return decoder.decode(this.slot(number));
  }

  addFile(name, bytes) {
    this.call('wald_add_file', ...this.putText(name), ...this.put(asBytes(bytes)));
  }

  // What a link printed and wrote.
  takeResults(exitCode, extra) {
    const lines = this.slotText(1).split('\n').filter((line) => line !== '');
    const diagnostics = [];
    const messages = [];
    for (const line of lines) {
      let value;
      try { value = JSON.parse(line); } catch { value = { type: 'message', text: line }; }
      if (value.type === 'diagnostic') diagnostics.push(value);
      else messages.push(value.text);
    }
    const stdout = this.slotText(0);
    const output = this.slotText(2);
    const outputs = new Map();
    this.slotText(3).split('\0').slice(0, -1).forEach((path, number) => outputs.set(path, this.slot(4 + number)));
    this.call('wald_free_results');
    const take = (path) => {
      const bytes = outputs.get(path);
      outputs.delete(path);
      return bytes;
    };
    const module = take(output);
    const text = (path) => { const bytes = path && take(path); return bytes && decoder.decode(bytes); };
    return { exitCode, module, diagnostics, report: text(extra.report), map: text(extra.map), messages, stdout, outputs };
  }
}

function asBytes(bytes) {
  if (bytes instanceof Uint8Array) return bytes;
  if (bytes instanceof ArrayBuffer) return new Uint8Array(bytes);
  if (ArrayBuffer.isView(bytes)) return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  throw new TypeError('the bytes of a file must be a Uint8Array or an ArrayBuffer');
}

function checkArguments(args) {
  for (const argument of args) {
    if (typeof argument !== 'string' || argument.includes('\0')) throw new TypeError('arguments must be strings without zero bytes');
  }
  return args;
}

// An option that is given last counts, so those that must count are last, and -o, which need not be given, is first.
function withDefaults(args, { report, map }) {
  const extra = {
    report: report && (report === 'html' ? '.wald/report.html' : '.wald/report.json'),
    map: map && '.wald/map',
  };
  const all = ['-o', 'a.out.wasm', ...args, '--diagnostics-format=json'];
  if (extra.report) all.push(`--report=${extra.report}`);
  if (extra.map) all.push(`--Map=${extra.map}`);
  return { all, extra };
}

const terminated = (args) => args.map((argument) => `${argument}\0`).join('');

function entries(files) {
  return files === undefined ? [] : files instanceof Map ? [...files] : Object.entries(files);
}

class Wald {
  #module;
  #idle;
  #options;

  constructor(module, instance) {
    this.#module = module;
    this.#idle = new Machine(instance);
  }

  static async load(source) {
    const module = await compile(await source);
    return new this(module, await WebAssembly.instantiate(module, {}));
  }

  // An instance that nobody uses.
  #take() {
    const machine = this.#idle ?? new Machine(new WebAssembly.Instance(this.#module, {}));
    this.#idle = undefined;
    return machine;
  }

  // Keeps the instance for the next call, unless it is too large.
  #giveBack(machine) {
    if (!machine.stopped && machine.memory.byteLength <= MOST_MEMORY) this.#idle ??= machine;
  }

  async link({ inputs = [], args = [], files, report, map } = {}) {
    const { all, extra } = withDefaults(checkArguments([...args]), { report, map });
    const named = new Set(all);
    const machine = this.#take();
    for (const [name, bytes] of entries(files)) machine.addFile(name, bytes);
    for (const { name, bytes } of inputs) {
      machine.addFile(name, bytes);
      // Arguments may say where an input belongs. All others follow them.
      if (!named.has(name)) all.push(/^[-@]/.test(name) ? `./${name}` : name);
    }
    const exitCode = machine.call('wald_run', ...machine.putText(terminated(checkArguments(all))));
    const result = machine.takeResults(exitCode, extra);
    this.#giveBack(machine);
    return result;
  }

  // Runs the command as it is: wald.run(['--help']).
  async run(args, files) {
    const machine = this.#take();
    for (const [name, bytes] of entries(files)) machine.addFile(name, bytes);
    const exitCode = machine.call('wald_run', ...machine.putText(terminated(checkArguments([...args]))));
    const stderr = machine.slotText(1);
    const { stdout, module, outputs } = machine.takeResults(exitCode, {});
    this.#giveBack(machine);
    return { exitCode, stdout, stderr, module, outputs };
  }

  linker(args = [], { files, report, map } = {}) {
    const { all, extra } = withDefaults(checkArguments([...args]), { report, map });
    const machine = this.#take();
    for (const [name, bytes] of entries(files)) machine.addFile(name, bytes);
    machine.call('wald_linker_open', ...machine.putText(terminated(all)));
    return new Linker(machine, extra);
  }

  get options() {
    if (!this.#options) {
      const machine = this.#take();
      machine.call('wald_options');
      this.#options = JSON.parse(machine.slotText(0));
      this.#giveBack(machine);
    }
    return this.#options;
  }
}

async function compile(source) {
  if (source instanceof WebAssembly.Module) return source;
  if (source instanceof URL || typeof source === 'string') source = await fetch(source);
  if (typeof Response !== 'undefined' && source instanceof Response) {
    if (!source.ok) throw new Error(`${source.url}: ${source.status} ${source.statusText}`);
    const isNamed = source.headers.get('content-type')?.startsWith('application/wasm');
    return isNamed ? WebAssembly.compileStreaming(source) : WebAssembly.compile(await source.arrayBuffer());
  }
  return WebAssembly.compile(asBytes(source));
}

// A linker that is kept: after an edit, only what changed is read.
class Linker {
  #machine;
  #extra;

  constructor(machine, extra) {
    this.#machine = machine;
    this.#extra = extra;
  }

  #check(result) {
    if (result < 0) throw new Error(this.#machine.slotText(1));
    return result;
  }

  declare(name, { lazy = false, wholeArchive = false } = {}) {
    const flags = (lazy ? 1 : 0) | (wholeArchive ? 2 : 0);
    return this.#check(this.#machine.call('wald_linker_declare', ...this.#machine.putText(name), flags));
  }

  provide(id, input) {
    if (input instanceof Unit) this.#check(this.#machine.call('wald_linker_provide_unit', id, input.number));
    else this.#check(this.#machine.call('wald_linker_provide', id, ...this.#machine.put(asBytes(input))));
  }

  replace(id, input) {
    this.#check(this.#machine.call('wald_linker_replace', id));
    if (input !== undefined) this.provide(id, input);
  }

  remove(id) {
    this.#check(this.#machine.call('wald_linker_remove', id));
  }

  unit() {
    return new Unit(this.#machine, this.#check(this.#machine.call('wald_unit_new')));
  }

  async finish() {
    return this.finishSync();
  }

  finishSync() {
    const exitCode = this.#machine.call('wald_linker_link');
    return this.#machine.takeResults(exitCode, this.#extra);
  }
}

// Functions and data from memory instead of an object.
class Unit {
  #machine;

  constructor(machine, number) {
    this.#machine = machine;
    this.number = number;
  }

  define(name, { bytes = new Uint8Array(), ...description }) {
    const json = this.#machine.putText(JSON.stringify({ name, ...description }));
    const result = this.#machine.call('wald_unit_define', this.number, ...json, ...this.#machine.put(asBytes(bytes)));
    if (result < 0) throw new Error(this.#machine.slotText(1));
  }

  remove(name) {
    const result = this.#machine.call('wald_unit_remove', this.number, ...this.#machine.putText(name));
    if (result < 0) throw new Error(this.#machine.slotText(1));
  }
}

export { LinkerStopped, Wald };
