// A compiler for a small language: a function is `name(a, b) = expression`. Each function becomes a function of a unit; the linker does the
// rest. Values are 32-bit integers.
'use strict';

// Weakest first; operators in a row bind equally.
const OPERATORS = [
  { '==': 0x46, '!=': 0x47, '<': 0x48, '>': 0x4a, '<=': 0x4c, '>=': 0x4e },
  { '+': 0x6a, '-': 0x6b },
  { '*': 0x6c, '/': 0x6d, '%': 0x6f },
];
const CALL = 0x10, CONST = 0x41, GET = 0x20, IF = 0x04, ELSE = 0x05, END = 0x0b, I32 = 0x7f, SUB = 0x6b;

// The functions of a text, each with its line. Lines that begin with a blank continue a function.
function split(text) {
  const functions = new Map();
  let last;
  text.split('\n').forEach((line, number) => {
    const code = line.replace(/#.*/, '').trimEnd();
    if (code === '') return;
    if (/^\s/.test(code) && last) {
      last.text += `\n${code}`;
      return;
    }
    const head = /^([a-z_]\w*)\s*\(([^)]*)\)\s*=/i.exec(code);
    if (!head) throw new Error(`line ${number + 1}: expected name(a, b) = expression`);
    const name = head[1];
    if (functions.has(name)) throw new Error(`line ${number + 1}: ${name} is defined twice`);
    const parameters = head[2].split(',').map((parameter) => parameter.trim()).filter(Boolean);
    last = { name, parameters, line: number + 1, skip: head[0].length, text: code };
    functions.set(name, last);
  });
  return functions;
}

// Compiles one function to a body with relocations. `arity` has the number of parameters of each function.
function generate({ name, parameters, text, skip, line }, arity) {
  const code = [];
  const relocations = [];
  const source = text.slice(skip);
  const tokens = source.match(/\d+|[a-z_]\w*|[=!<>]=|\S/gi) ?? [];
  let at = 0;
  const fail = (what) => { throw new Error(`line ${line}: ${name}: ${what}`); };
  const expect = (token) => { if (tokens[at++] !== token) fail(`expected ${token}${tokens[at - 1] ? `, found ${tokens[at - 1]}` : ''}`); };

  function signed(value) {
    for (;;) {
      const byte = value & 0x7f;
      value >>= 7;
      if (value === 0 && !(byte & 0x40) || value === -1 && byte & 0x40) return code.push(byte);
      code.push(byte | 0x80);
    }
  }

  function call(callee) {
    let count = 0;
    at += 1;
    while (tokens[at] !== ')') {
      if (at >= tokens.length) fail(`the call of ${callee} has no end`);
      expression(0);
      count += 1;
      if (tokens[at] === ',') at += 1;
      else if (tokens[at] !== ')') fail(`expected , or ) in the call of ${callee}`);
    }
    at += 1;
    const wanted = arity.get(callee);
    if (wanted !== undefined && wanted !== count) fail(`${callee} takes ${wanted} arguments, not ${count}`);
    arity.set(callee, count);
    code.push(CALL);
    relocations.push({ type: 'R_WASM_FUNCTION_INDEX_LEB', offset: code.length, symbol: callee });
    code.push(0x80, 0x80, 0x80, 0x80, 0);
  }

  function value() {
    const token = tokens[at++];
    if (token === undefined) fail('the expression ends too early');
    if (/^\d/.test(token)) {
      if (Number(token) > 0x7fffffff) fail(`${token} is too large`);
      code.push(CONST);
      signed(Number(token));
    } else if (token === '(') {
      expression(0);
      expect(')');
    } else if (token === '-') {
      code.push(CONST, 0);
      value();
      code.push(SUB);
    } else if (token === 'if') {
      expression(0);
      code.push(IF, I32);
      expect('then');
      expression(0);
      code.push(ELSE);
      expect('else');
      expression(0);
      code.push(END);
    } else if (!/^[a-z_]/i.test(token) || token === 'then' || token === 'else') {
      fail(`expected a value, found ${token}`);
    } else if (tokens[at] === '(') {
      call(token);
    } else if (parameters.includes(token)) {
      code.push(GET);
      index(parameters.indexOf(token));
    } else {
      fail(`there is no ${token} here`);
    }
  }

  // As unsigned LEB128.
  function index(number) {
    for (; number >= 0x80; number >>>= 7) code.push(number & 0x7f | 0x80);
    code.push(number);
  }

  function expression(level) {
    if (level === OPERATORS.length) return value();
    expression(level + 1);
    while (Object.hasOwn(OPERATORS[level], tokens[at])) {
      const instruction = OPERATORS[level][tokens[at++]];
      expression(level + 1);
      code.push(instruction);
    }
  }

  code.push(0);
  expression(0);
  if (at < tokens.length) fail(`${tokens[at]} is too much`);
  code.push(END);
  return { bytes: Uint8Array.from(code), relocations };
}

const signatureOf = (count) => ({ parameters: Array(count).fill('i32'), results: ['i32'] });

// A program that is kept: an edit compiles what changed and links again.
class LiveProgram {
  #linker;
  #input;
  #unit;
  // What is in the unit: the text of each function, and the number of its parameters.
  #defined = new Map();
  #declared = new Map();

  constructor(wald) {
    this.#linker = wald.linker(['--no-entry', '--export=main', '--strip-all']);
    this.#input = this.#linker.declare('program');
    this.#unit = this.#linker.unit();
  }

  update(text) {
    const begin = performance.now();
    const functions = split(text);
    const arity = new Map([...functions].map(([name, { parameters }]) => [name, parameters.length]));
    if (arity.get('main') !== 0) throw new Error('there must be a function main()');
    const key = (source) => `${source.parameters.join()}=${source.text.slice(source.skip)}`;
    // If a function takes more or fewer arguments than before, its callers are compiled again.
    const isOther = ({ name, parameters }) => (this.#declared.get(name) ?? parameters.length) !== parameters.length;
    const all = [...functions.values()];
    const hasOther = all.some(isOther);
    const changed = all.filter((source) => hasOther || this.#defined.get(source.name) !== key(source));
    // All are compiled before the unit changes, so that an error leaves it as it is.
    const compiled = changed.map((source) => [source, generate(source, arity)]);
    for (const { parameters, name } of functions.values()) {
      if (arity.get(name) !== parameters.length) throw new Error(`${name} takes ${parameters.length} arguments`);
    }
    for (const [name, count] of arity) {
      if (this.#declared.get(name) === count) continue;
      this.#unit.define(name, { undefined: true, function: signatureOf(count) });
      this.#declared.set(name, count);
      this.#defined.delete(name);
    }
    for (const [source, { bytes, relocations }] of compiled) {
      this.#unit.define(source.name, { function: signatureOf(source.parameters.length), bytes, relocations });
      this.#defined.set(source.name, key(source));
    }
    for (const name of this.#defined.keys()) {
      if (functions.has(name)) continue;
      this.#unit.define(name, { undefined: true, function: signatureOf(this.#declared.get(name)) });
      this.#defined.delete(name);
    }
    const linking = performance.now();
    this.#linker.replace(this.#input, this.#unit);
    const { exitCode, module, diagnostics } = this.#linker.finishSync();
    const running = performance.now();
    if (exitCode !== 0) throw new Error(diagnostics.map(({ message }) => message.replace(/^program: /, '')).join('\n'));
    const value = new WebAssembly.Instance(new WebAssembly.Module(module)).exports.main();
    const end = performance.now();
    const times = { compiling: linking - begin, linking: running - linking, running: end - running };
    return { value, size: module.length, changed: changed.length, count: functions.size, ...times };
  }
}
