// WASI preview 1 for programs that read their arguments and files, and print: a folder in memory, two clocks, random bytes.
// https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md
'use strict';

const SUCCESS = 0, E_BADF = 8, E_INVAL = 28, E_NOENT = 44, E_NOSYS = 52, E_SPIPE = 70, E_ROFS = 69;
const DIRECTORY = 3, REGULAR_FILE = 4, CHARACTER_DEVICE = 2;
const ROOT = 3;

class ProgramExit extends Error {
  constructor(code) {
    super(`exit ${code}`);
    this.code = code;
  }
}

class Wasi {
  // `files`: bytes by path. `write`: takes a descriptor (1 or 2) and bytes.
  constructor({ args, env = {}, stdin = new Uint8Array(), files = {}, write }) {
    const encoder = new TextEncoder();
    this.args = args.map((argument) => encoder.encode(`${argument}\0`));
    this.env = Object.entries(env).map(([name, value]) => encoder.encode(`${name}=${value}\0`));
    this.files = files;
    this.write = write;
    this.open = new Map([
      [0, { kind: CHARACTER_DEVICE, bytes: stdin, at: 0 }],
      [1, { kind: CHARACTER_DEVICE }],
      [2, { kind: CHARACTER_DEVICE }],
      [ROOT, { kind: DIRECTORY }],
    ]);
  }

  get view() { return new DataView(this.memory.buffer); }
  bytes(address, size) { return new Uint8Array(this.memory.buffer, address >>> 0, size >>> 0); }
  set32(address, value) { this.view.setUint32(address >>> 0, value, true); }
  set64(address, value) { this.view.setBigUint64(address >>> 0, BigInt(value), true); }

  list(texts, pointers, buffer) {
    for (const text of texts) {
      this.set32(pointers, buffer);
      this.bytes(buffer, text.length).set(text);
      pointers += 4;
      buffer += text.length;
    }
    return SUCCESS;
  }

  sizes(texts, count, size) {
    this.set32(count, texts.length);
    this.set32(size, texts.reduce((sum, text) => sum + text.length, 0));
    return SUCCESS;
  }

  // Calls `each` with the parts of memory in a list of vectors. It returns how many bytes it took.
  vectors(list, count, result, each) {
    let total = 0;
    for (let at = 0; at < count; at += 1) {
      const part = this.bytes(this.view.getUint32((list >>> 0) + at * 8, true), this.view.getUint32((list >>> 0) + at * 8 + 4, true));
      const took = each(part);
      total += took;
      if (took < part.length) break;
    }
    this.set32(result, total);
    return SUCCESS;
  }

  status(address, kind, size) {
    this.bytes(address, 64).fill(0);
    this.view.setUint8((address >>> 0) + 16, kind);
    this.set64(address + 24, 1);
    this.set64(address + 32, size);
    return SUCCESS;
  }

  path(address, size) {
    const parts = [];
    for (const part of new TextDecoder().decode(this.bytes(address, size)).split('/')) {
      if (part === '..') parts.pop();
      else if (part !== '' && part !== '.') parts.push(part);
    }
    return parts.join('/');
  }

  get imports() {
    const calls = {
      args_sizes_get: (count, size) => this.sizes(this.args, count, size),
      args_get: (pointers, buffer) => this.list(this.args, pointers, buffer),
      environ_sizes_get: (count, size) => this.sizes(this.env, count, size),
      environ_get: (pointers, buffer) => this.list(this.env, pointers, buffer),
      clock_res_get: (clock, result) => { this.set64(result, 1000); return SUCCESS; },
      clock_time_get: (clock, precision, result) => {
        this.set64(result, Math.round((clock === 0 ? Date.now() : performance.now()) * 1000) * 1000);
        return SUCCESS;
      },
      random_get: (address, size) => {
        // At most 64 KiB in one call.
        for (let at = 0; at < size; at += 65536) crypto.getRandomValues(this.bytes(address + at, Math.min(65536, size - at)));
        return SUCCESS;
      },
      proc_exit: (code) => { throw new ProgramExit(code); },
      sched_yield: () => SUCCESS,
      poll_oneoff: (input, output, count, result) => this.poll(input, output, count, result),
      fd_write: (fd, list, count, result) => {
        if (fd !== 1 && fd !== 2) return E_BADF;
        return this.vectors(list, count, result, (part) => { this.write(fd, part.slice()); return part.length; });
      },
      fd_read: (fd, list, count, result) => {
        const file = this.open.get(fd);
        if (!file?.bytes) return E_BADF;
        return this.vectors(list, count, result, (part) => {
          const took = file.bytes.subarray(file.at, file.at + part.length);
          part.set(took);
          file.at += took.length;
          return took.length;
        });
      },
      fd_seek: (fd, offset, whence, result) => {
        const file = this.open.get(fd);
        if (!file) return E_BADF;
        if (file.kind !== REGULAR_FILE) return E_SPIPE;
        const to = Number(offset) + [0, file.at, file.bytes.length][whence];
        if (!(to >= 0)) return E_INVAL;
        file.at = to;
        this.set64(result, to);
        return SUCCESS;
      },
      fd_tell: (fd, result) => calls.fd_seek(fd, 0n, 1, result),
      fd_close: (fd) => (this.open.delete(fd) ? SUCCESS : E_BADF),
      fd_fdstat_get: (fd, address) => {
        const file = this.open.get(fd);
        if (!file) return E_BADF;
        this.bytes(address, 24).fill(0);
        this.view.setUint8(address >>> 0, file.kind);
        this.bytes((address >>> 0) + 8, 16).fill(0xff);
        return SUCCESS;
      },
      fd_fdstat_set_flags: () => SUCCESS,
      fd_filestat_get: (fd, address) => {
        const file = this.open.get(fd);
        return file ? this.status(address, file.kind, file.bytes?.length ?? 0) : E_BADF;
      },
      fd_prestat_get: (fd, address) => {
        if (fd !== ROOT) return E_BADF;
        this.set32(address, 0);
        this.set32(address + 4, 1);
        return SUCCESS;
      },
      fd_prestat_dir_name: (fd, address, size) => {
        if (fd !== ROOT || size < 1) return E_BADF;
        this.bytes(address, 1)[0] = 0x2e;
        return SUCCESS;
      },
      path_open: (folder, lookup, path, size, flags, rights, inherited, descriptorFlags, result) => {
        if (folder !== ROOT) return E_BADF;
        const name = this.path(path, size);
        const bytes = name === '' ? undefined : this.files[name];
        // Create, truncate: nothing can be written.
        if (flags & 9) return E_ROFS;
        if (!bytes && name !== '') return E_NOENT;
        let fd = ROOT + 1;
        while (this.open.has(fd)) fd += 1;
        this.open.set(fd, bytes ? { kind: REGULAR_FILE, bytes, at: 0 } : { kind: DIRECTORY });
        this.set32(result, fd);
        return SUCCESS;
      },
      path_filestat_get: (folder, lookup, path, size, address) => {
        const name = this.path(path, size);
        if (name === '') return this.status(address, DIRECTORY, 0);
        const bytes = this.files[name];
        return bytes ? this.status(address, REGULAR_FILE, bytes.length) : E_NOENT;
      },
    };
    // The rest of the interface exists, so that modules can be instantiated, and does nothing.
    return new Proxy(calls, { get: (known, name) => known[name] ?? (() => E_NOSYS), has: () => true });
  }

  // Waits for the first clock; other subscriptions are ready.
  poll(input, output, count, result) {
    const KIND = 8, CLOCK = 0, TIMEOUT = 24, FLAGS = 40, SIZE = 48, EVENT = 32;
    let first;
    for (let at = 0; at < count; at += 1) {
      const from = (input >>> 0) + at * SIZE;
      const isClock = this.view.getUint8(from + KIND) === CLOCK;
      let wait = 0;
      if (isClock) {
        wait = Number(this.view.getBigUint64(from + TIMEOUT, true)) / 1e6;
        const isAbsolute = this.view.getUint16(from + FLAGS, true) & 1;
        if (isAbsolute) wait -= this.view.getUint32(from + 16, true) === 0 ? Date.now() : performance.now();
      }
      if (!first || wait < first.wait) first = { wait, from, kind: this.view.getUint8(from + KIND) };
    }
    if (!first) return E_INVAL;
    const end = performance.now() + first.wait;
    while (performance.now() < end);
    this.bytes(output, EVENT).fill(0);
    this.bytes(output, 8).set(this.bytes(first.from, 8));
    this.view.setUint8((output >>> 0) + 10, first.kind);
    this.set32(result, 1);
    return SUCCESS;
  }
}
