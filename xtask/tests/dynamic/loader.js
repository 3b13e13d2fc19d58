// A small dynamic loader, as the convention describes it: memory and table for each module, addresses through GOT imports,
// functions through `env`, relocations by the module's own code.
// https://github.com/WebAssembly/tool-conventions/blob/main/DynamicLinking.md
'use strict';
const fs = require('fs');

/** What the `dylink.0` section says of memory and table; zeros where there is none. */
function dylink(module) {
  const needs = { memorySize: 0, memoryAlign: 0, tableSize: 0, tableAlign: 0 };
  const [section] = WebAssembly.Module.customSections(module, 'dylink.0');
  if (!section) return needs;
  const bytes = new Uint8Array(section);
  let at = 0;
  const number = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const kind = number();
    const end = number() + at;
    if (kind === 1) for (const key of Object.keys(needs)) needs[key] = number();
    at = end;
  }
  return needs;
}

/** A program of several modules that share memory, table and symbols. */
class Program {
  constructor(memory, table, heap, stackPointer) {
    Object.assign(this, { memory, table, heap, stackPointer });
    this.tableEnd = table.length;
    this.symbols = new Map();
    this.got = new Map();
    this.slots = new Map();
  }

  /** Instantiates a module; `finish` makes it ready to run. */
  load(file, more = {}) {
    const module = new WebAssembly.Module(fs.readFileSync(file));
    const { memorySize, memoryAlign, tableSize } = dylink(module);
    const align = 2 ** memoryAlign;
    const memoryBase = Math.ceil(this.heap / align) * align;
    this.heap = memoryBase + memorySize;
    const tableBase = this.tableEnd;
    this.tableEnd += tableSize;
    if (tableSize) this.table.grow(tableSize);
    const imports = { env: {}, 'GOT.mem': {}, 'GOT.func': {} };
    for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
      if (from.startsWith('GOT.')) {
        imports[from][name] = this.entry(from, name);
      } else if (kind === 'function') {
        imports.env[name] = more[name] || ((...args) => this.symbol(name).value(...args));
      } else {
        const constant = (value) => new WebAssembly.Global({ value: 'i32' }, value);
        imports.env[name] = {
          memory: this.memory,
          __indirect_function_table: this.table,
          __stack_pointer: this.stackPointer,
          __memory_base: constant(memoryBase),
          __table_base: constant(tableBase),
        }[name];
      }
    }
    const instance = new WebAssembly.Instance(module, imports);
    for (const [name, value] of Object.entries(instance.exports)) {
      const isAddress = value instanceof WebAssembly.Global;
      if (!this.symbols.has(name) && (isAddress || typeof value === 'function')) {
        // Data are exported relative to the module's memory; those of a module without `dylink.0` are where they are.
        const base = memorySize ? memoryBase : 0;
        this.symbols.set(name, { value: isAddress ? value.value + base : value, isAddress });
      }
    }
    return instance.exports;
  }

  /** The global through which modules get an address. */
  entry(from, name) {
    const key = `${from}:${name}`;
    if (!this.got.has(key)) this.got.set(key, new WebAssembly.Global({ value: 'i32', mutable: true }, 0));
    return this.got.get(key);
  }

  symbol(name) {
    const found = this.symbols.get(name);
    if (!found) throw new Error(`no module defines ${name}`);
    return found;
  }

  /** The place of a function in the table. */
  slot(name) {
    if (!this.slots.has(name)) {
      const { value } = this.symbol(name);
      let at = 0;
      while (at < this.table.length && this.table.get(at) !== value) at++;
      if (at === this.table.length) {
        this.table.grow(1);
        this.tableEnd++;
        this.table.set(at, value);
      }
      this.slots.set(name, at);
    }
    return this.slots.get(name);
  }

  /** Fills the GOT, then lets each module relocate its data and run its constructors. */
  finish(...modules) {
    for (const [key, global] of this.got) {
      const [from, name] = key.split(':');
      global.value = from === 'GOT.mem' ? this.symbol(name).value : this.slot(name);
    }
    for (const module of modules) module.__wasm_apply_data_relocs?.();
    for (const module of modules) module.__wasm_call_ctors?.();
  }
}

module.exports = { Program, dylink };
