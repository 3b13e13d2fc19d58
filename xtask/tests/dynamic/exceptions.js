// Calls functions of a module that throw and catch exceptions.
'use strict';
const fs = require('fs');
const program = new WebAssembly.Instance(new WebAssembly.Module(fs.readFileSync(process.argv[2])));
console.log(program.exports.run(1), program.exports.run(7));
