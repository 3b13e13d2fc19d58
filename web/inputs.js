// The list of inputs: files are dropped or chosen, and read only when they are linked.
'use strict';

const inputs = {
  // `name`, `file` (a File or Blob), `role` ('input' or 'library').
  list: [],
  isDemo: false,
  onChange: () => {},
};

const KINDS = [
  { kind: 'object', letter: 'O', title: 'object', magic: '\0asm' },
  { kind: 'archive', letter: 'A', title: 'archive', magic: '!<arch>\n' },
  { kind: 'archive', letter: 'A', title: 'thin archive', magic: '!<thin>\n' },
  { kind: 'bitcode', letter: 'B', title: 'LLVM bitcode', magic: 'BC\xc0\xde' },
  { kind: 'other', letter: 'S', title: 'stub library', magic: '#STUB' },
];

async function kindOf(file) {
  const bytes = new Uint8Array(await file.slice(0, 8).arrayBuffer());
  const start = String.fromCharCode(...bytes);
  return KINDS.find(({ magic }) => start.startsWith(magic)) ?? { kind: 'other', letter: '?', title: 'not an object' };
}

async function addFiles(files, { isDemo = false } = {}) {
  const added = await Promise.all([...files].map(async (file) => ({ name: file.name, file, role: 'input', ...await kindOf(file) })));
  if (inputs.isDemo !== isDemo) inputs.list = [];
  inputs.isDemo = isDemo;
  for (const input of added) {
    // A file with the same name is a newer one.
    const known = inputs.list.findIndex(({ name }) => name === input.name);
    if (known >= 0) inputs.list[known] = { ...input, role: inputs.list[known].role };
    else inputs.list.push(input);
  }
  showInputs();
  announce(`${countText(added.length, 'file')} added`);
  inputs.onChange();
}

function useDemo() {
  const files = Object.entries(PARTS.demo).map(([name, bytes]) => new File([fromBase64(bytes)], name));
  return addFiles(files, { isDemo: true });
}

function showInputs() {
  const { list } = inputs;
  byId('inputs').replaceChildren(...list.map(inputRow));
  const total = list.reduce((sum, { file }) => sum + file.size, 0);
  byId('inputs-count').textContent = list.length ? `${countText(list.length, 'file')}, ${sizeText(total)}` : '';
  byId('clear').hidden = list.length === 0;
  byId('drop').classList.toggle('compact', list.length > 0);
  byId('link').disabled = list.length === 0;
}

function inputRow(input, at) {
  const { name, file, letter, kind, title, role } = input;
  const change = (work, focus) => () => {
    work();
    showInputs();
    byId('inputs').querySelector(focus)?.focus();
    inputs.onChange();
  };
  const move = (by) => change(() => {
    inputs.list.splice(at, 1);
    inputs.list.splice(at + by, 0, input);
  }, `li:nth-child(${at + by + 1}) .${by < 0 ? 'up' : 'down'}:not(:disabled)`);
  const tool = (text, label, className, onclick, disabled = false) => make('button', { type: 'button', className, title: label, ariaLabel: `${label}: ${name}`, onclick, disabled }, text);
  const tools = make('span', { className: 'tools' });
  if (kind === 'archive') {
    const isLibrary = role === 'library';
    const button = tool('-l', 'Look it up with -l only', 'role', change(() => { input.role = isLibrary ? 'input' : 'library'; }, `li:nth-child(${at + 1}) .role`));
    button.setAttribute('aria-pressed', isLibrary);
    tools.append(button);
  }
  tools.append(
    tool('↑', 'Move up', 'up', move(-1), at === 0),
    tool('↓', 'Move down', 'down', move(1), at === inputs.list.length - 1),
    tool('✕', 'Remove', 'remove', change(() => { inputs.list.splice(at, 1); }, `li:nth-child(${Math.min(at + 1, inputs.list.length - 1)}) .remove`)),
  );
  return make('li', {},
    make('span', { className: `kind ${kind}`, title, ariaLabel: title, role: 'img' }, letter),
    make('span', { className: 'name', title: name }, name),
    make('span', { className: 'size' }, sizeText(file.size)),
    tools);
}

function setUpInputs() {
  const picker = byId('picker');
  byId('choose').onclick = () => picker.click();
  picker.onchange = () => { addFiles(picker.files); picker.value = ''; };
  byId('demo').onclick = useDemo;
  byId('clear').onclick = () => {
    inputs.list = [];
    inputs.isDemo = false;
    showInputs();
    byId('choose').focus();
    inputs.onChange();
  };
  // Files may be dropped anywhere on the page.
  let depth = 0;
  const isFiles = (event) => event.dataTransfer?.types.includes('Files');
  const drag = (by) => { depth = Math.max(0, depth + by); document.body.classList.toggle('dragging', depth > 0); };
  addEventListener('dragenter', (event) => { if (isFiles(event)) drag(1); });
  addEventListener('dragleave', (event) => { if (isFiles(event)) drag(-1); });
  addEventListener('dragover', (event) => { if (isFiles(event)) event.preventDefault(); });
  addEventListener('drop', (event) => {
    drag(-depth);
    if (!isFiles(event)) return;
    event.preventDefault();
    addFiles(event.dataTransfer.files);
  });
  showInputs();
}
