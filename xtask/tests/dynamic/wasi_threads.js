// A host for wasip1-threads: `thread-spawn` starts a worker that calls `wasi_thread_start`.
'use strict';
const fs = require('fs');
const { Worker, isMainThread, workerData } = require('worker_threads');
let { program, memory } = workerData || {};
let last = 0;
const spawn = (argument) => {
  new Worker(__filename, { workerData: { program, memory, id: ++last, argument } });
  return last;
};
if (isMainThread) {
  program = new WebAssembly.Module(fs.readFileSync(process.argv[2]));
  memory = new WebAssembly.Memory({ initial: 4, maximum: 16, shared: true });
}
const own = new WebAssembly.Instance(program, { env: { memory }, wasi: { 'thread-spawn': spawn } });
if (isMainThread) {
  own.exports._start();
  console.log(own.exports.result(), own.exports.memory === memory);
} else {
  own.exports.wasi_thread_start(workerData.id, workerData.argument);
}
