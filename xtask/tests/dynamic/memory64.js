// Runs a module whose memory has 64-bit addresses.
'use strict';
const fs = require('fs');
const program = new WebAssembly.Instance(new WebAssembly.Module(fs.readFileSync(process.argv[2])));
console.log(String(program.exports.run(3n)));
