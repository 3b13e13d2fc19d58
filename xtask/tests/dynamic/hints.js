// Calls a function of a module with branch hints.
'use strict';
const fs = require('fs');
const hinted = new WebAssembly.Module(fs.readFileSync(process.argv[2]));
const hints = WebAssembly.Module.customSections(hinted, 'metadata.code.branch_hint');
if (hints.length !== 1) throw new Error(`${hints.length} sections with branch hints`);
console.log(new WebAssembly.Instance(hinted).exports.count(12) + 1);
