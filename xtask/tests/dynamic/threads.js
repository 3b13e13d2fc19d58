// Runs a function in three workers that share the memory, as emscripten's pthreads do.
'use strict';
const fs = require('fs');
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
const instantiate = (module, memory) => new WebAssembly.Instance(module, { env: { memory } }).exports;
if (isMainThread) {
  const module = new WebAssembly.Module(fs.readFileSync(process.argv[2]));
  const memory = new WebAssembly.Memory({ initial: 4, maximum: 16, shared: true });
  const main = instantiate(module, memory);
  main.__wasm_call_ctors();
  const answers = [];
  for (const thread of [1, 2, 3]) {
    new Worker(__filename, { workerData: { module, memory, thread } }).on('message', (answer) => {
      answers.push(answer);
      if (answers.length === 3) console.log(answers.sort().join(' '), main.count(), main.own());
    });
  }
} else {
  const { module, memory, thread } = workerData;
  const own = instantiate(module, memory);
  own.__stack_pointer.value = own.stack_of(thread);
  own.begin(thread);
  parentPort.postMessage(own.work(thread));
}
