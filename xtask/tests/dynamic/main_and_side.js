// Loads a main module and a side module, in this order or the other, and calls into both.
'use strict';
const { Program } = require('./loader.js');
const memory = new WebAssembly.Memory({ initial: 4 });
const table = new WebAssembly.Table({ initial: 32, element: 'anyfunc' });
const stackPointer = new WebAssembly.Global({ value: 'i32', mutable: true }, 65536);
const program = new Program(memory, table, 131072, stackPointer);
const main = program.load(process.argv[2]);
if (main.__stack_pointer) program.stackPointer = main.__stack_pointer;
const side = program.load(process.argv[3]);
program.finish(main, side);
console.log(main.run(), side.word(0) >= 131072);
