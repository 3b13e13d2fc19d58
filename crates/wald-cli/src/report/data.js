// What the report says, in the form that the views need. docs/report.md of the repository describes the data.
'use strict';

const CATEGORIES = [
  ['code', 'Code'], ['data', 'Data'], ['debug', 'Debug'], ['names', 'Names'], ['custom', 'Custom'], ['other', 'Other'],
];

const STEPS = {
  'entry': 'entry of the module', 'export': 'exported', 'no-strip': 'marked as used', 'command-line': 'on the command line',
  'linker': 'needed by the linker', 'kept': 'kept without garbage collection', 'call': 'calls',
  'address-taken': 'takes the address of', 'table-slot': 'holds the table slot of', 'data-reference': 'uses',
  'data-pointer': 'points to', 'global': 'uses the global', 'tag': 'uses the tag', 'table': 'uses the table',
  'member-of': 'is in', 'constructor': 'has the constructor', 'retained': 'has the retained segment',
};

const NODE_KINDS = {
  'function': 'function', 'linker-function': 'linker function', 'data': 'data', 'global': 'global', 'tag': 'tag',
  'table': 'table', 'import': 'import', 'address': 'address', 'object': 'object',
};

const ABSENCES = {
  'unreachable': 'nothing refers to it', 'other-copy': 'another copy of its group is linked',
  'other-definition': 'another definition is linked',
};

function formatBytes(size) {
  const sign = size < 0 ? '−' : '';
  const value = Math.abs(size);
  if (value < 1000) return `${sign}${value} B`;
  if (value < 999500) return `${sign}${(value / 1000).toPrecision(value < 10000 ? 2 : 3)} kB`.replace(/e\+?\d+/, '');
  return `${sign}${(value / 1e6).toPrecision(3)} MB`;
}

const exact = new Intl.NumberFormat('en');
const formatExact = (size) => `${exact.format(size)} B`;
const formatShare = (part, whole) => {
  const share = whole ? 100 * part / whole : 0;
  return share > 0 && share < 0.1 ? '< 0.1 %' : `${share.toFixed(1)} %`;
};
const formatDelta = (size) => (size > 0 ? '+' : '') + formatBytes(size);
const baseName = (path) => path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1) || path;

// Rust's names end with a hash that changes from build to build, and LLVM's with a number in parentheses.
const withoutHash = (name) => name.replace(/ \(\.[\w.]+\)$/, '').replace(/::h[0-9a-f]{16}$/, '').replace(/17h[0-9a-f]{16}E/, 'E');

// A qualified name without return type and parameters.
function bareName(name) {
  const text = withoutHash(name)
    .replace(/^(?:(?:non-)?virtual thunk to|vtable for|typeinfo(?: name)? for|VTT for|guard variable for) /, '');
  // The brackets and spaces of an operator's name are not those of arguments.
  const operator = text.search(/\boperator\W/);
  const scanned = operator < 0 ? text.length : operator;
  let depth = 0, start = 0;
  for (let at = 0; at < scanned; at++) {
    const c = text[at];
    if (c === '<' || c === '{' || c === '[') depth++;
    else if ((c === '>' && text[at - 1] !== '-') || c === '}' || c === ']') depth--;
    else if (depth > 0) continue;
    else if (c === ' ') start = at + 1;
    else if (c === '(') {
      if (!text.startsWith('(anonymous namespace)', at)) return text.slice(start, at);
      at += 20;
    }
  }
  if (operator < 0) return text.slice(start);
  const end = text.indexOf('(', operator + 9);
  return text.slice(start, end < 0 ? text.length : end);
}

// Splits a bare name at `::`, but not inside of arguments.
function splitName(bare) {
  const path = [];
  let part = '', depth = 0;
  for (let at = 0; at < bare.length; at++) {
    const c = bare[at];
    if (c === '<' || c === '{' || c === '(') depth++;
    if ((c === '>' && bare[at - 1] !== '-') || c === '}' || c === ')') depth--;
    if (depth <= 0 && c === ':' && bare[at + 1] === ':') {
      path.push(part);
      part = '';
      at++;
    } else part += c;
  }
  return [...path, part];
}

const withoutArguments = (part) => {
  const start = part.indexOf('<', 1);
  return start > 0 && part[0] !== '<' && part.endsWith('>') ? `${part.slice(0, start)}<…>` : part;
};

// The namespaces, crates, modules and types that a name is in.
function namespaceOf(name) {
  return splitName(bareName(name)).slice(0, -1).filter(Boolean).flatMap((part) => {
    // `<Type as Trait>`: what it is in is in the type.
    if (!part.startsWith('<')) return [withoutArguments(part)];
    const [type] = part.slice(1, -1).split(' as ');
    return splitName(type.replace(/^[&*]+(?:mut |const )?/, '')).map(withoutArguments);
  });
}

// A name with `…` for the arguments of templates and generics: what all instances have in common. A Rust path can begin with a type in
// angle brackets, which is not an argument.
function genericName(name) {
  // `path::<T>`: the arguments are a part of their own.
  const parts = splitName(bareName(name));
  return parts.map((part, at) => (at > 0 && /^<.*>$/.test(part) ? '<…>' : withoutArguments(part))).join('::');
}

class Model {
  constructor(json) {
    if (json.schema !== 'wald-report') throw new Error('This is not a report of Wald.');
    if (json.version > 1) throw new Error(`This report is of a newer version of Wald (${json.version}).`);
    this.json = json;
    this.strings = json.strings;
    this.size = json.size;
    this.output = json.output;
    const { nodes, files, enums } = json;
    this.nodeCount = nodes.name.length;
    this.step = (edge) => enums.step[edge];
    this.files = files.path.map((path, at) => ({
      path: this.strings[path],
      member: files.member[at] < 0 ? null : this.strings[files.member[at]],
      library: this.strings[files.library[at]],
      by: files.extractedBy[at] < 0 ? null : this.strings[files.extractedBy[at]],
      for: files.extractedFor[at] < 0 ? null : this.strings[files.extractedFor[at]],
      size: files.size[at],
    }));
    this.makeLeaves();
  }

  text(number) { return number < 0 ? null : this.strings[number]; }
  nodeName(node) { const { nodes } = this.json; return this.text(nodes.demangled[node]) ?? this.strings[nodes.name[node]]; }
  nodeSymbol(node) { return this.strings[this.json.nodes.name[node]]; }
  nodeKind(node) { return this.json.enums.nodeKind[this.json.nodes.kind[node]]; }
  nodeStep(node) { return this.json.enums.step[this.json.nodes.step[node]]; }
  nodeText(node) { return this.text(this.json.nodes.text[node]); }
  nodeSource(node) {
    const { nodes, sourceFiles } = this.json;
    return nodes.sourceFile[node] < 0 ? '' : `${sourceFiles[nodes.sourceFile[node]]}:${nodes.line[node]}`;
  }
  fileName(file) {
    if (file < 0) return '';
    const { path, member } = this.files[file];
    return member ? `${path}(${member})` : path;
  }
  shortFile(file) {
    if (file < 0) return '(linker)';
    const { path, member, library } = this.files[file];
    return member ? `${/\.rlib$/.test(path) ? library : baseName(path)} › ${member}` : baseName(path);
  }
  libraryOf(file) { return file < 0 ? '(linker)' : this.files[file].library; }

  // Everything that has bytes: what belongs to one node and category is one leaf.
  makeLeaves() {
    const { items, sections } = this.json;
    const known = new Map();
    this.leaves = [];
    this.categories = CATEGORIES.map(() => 0);
    for (let at = 0; at < items.size.length; at++) {
      const [category, node, file, section, size] =
        [items.category[at], items.node[at], items.file[at], items.section[at], items.size[at]];
      this.categories[category] += size;
      const name = this.text(items.name[at]);
      const key = node >= 0 ? `${node} ${category}` : `${file} ${section} ${name ?? ''}`;
      let leaf = known.get(key);
      if (!leaf) {
        leaf = { category, node, file, section, size: 0, item: at, name: null };
        const sectionName = section < 0 ? '' : this.strings[sections.name[section]];
        leaf.section = sectionName;
        leaf.name = node >= 0 ? this.nodeName(node) : name ? (name === sectionName || !sectionName ? name : `${sectionName}: ${name}`) : sectionName;
        known.set(key, leaf);
        this.leaves.push(leaf);
      }
      leaf.size += size;
    }
    this.leafOf = (node) => this.leaves.find((leaf) => leaf.node === node && leaf.category < 2) ?? null;
  }

  chain(node) {
    const chain = [];
    for (let at = node; at >= 0 && chain.length <= this.nodeCount; at = this.json.nodes.from[at]) chain.unshift(at);
    return chain;
  }

  // Positions of edges by their source and by their target.
  edgeIndex() {
    if (this.index) return this.index;
    const { from, to } = this.json.edges;
    const by = (column) => {
      const starts = new Uint32Array(this.nodeCount + 1), order = new Uint32Array(column.length);
      for (const node of column) starts[node + 1]++;
      for (let at = 1; at < starts.length; at++) starts[at] += starts[at - 1];
      const next = starts.slice();
      column.forEach((node, edge) => { order[next[node]++] = edge; });
      return (node) => order.subarray(starts[node], starts[node + 1]);
    };
    this.index = { from: by(from), to: by(to) };
    return this.index;
  }

  // The leaves as a tree: label, size, children or leaf.
  tree(grouping, shown, matches) {
    const root = { label: this.output || 'module', size: 0, children: new Map() };
    for (const leaf of this.leaves) {
      if (!shown[leaf.category] || (matches && !matches(leaf))) continue;
      let at = root;
      at.size += leaf.size;
      for (const label of this.pathOf(leaf, grouping)) {
        let child = at.children.get(label);
        if (!child) at.children.set(label, child = { label, size: 0, children: new Map() });
        at = child;
        at.size += leaf.size;
      }
      at.children.set(leaf, { label: leaf.name, size: leaf.size, leaf });
    }
    return finishTree(root, null);
  }

  pathOf(leaf, grouping) {
    const files = () => {
      if (leaf.file < 0) return ['(linker)'];
      const { path, member, library } = this.files[leaf.file];
      return [library, member ?? baseName(path)];
    };
    if (grouping === 'sections') return [leaf.section || 'module header', ...files().slice(0, 1)];
    if (grouping === 'namespaces') {
      if (leaf.node < 0) return ['(no symbol)', CATEGORIES[leaf.category][1]];
      const path = namespaceOf(leaf.name);
      return path.length ? path : ['(global)', this.libraryOf(leaf.file)];
    }
    return files();
  }
}

// Sorts children by size, and leaves out levels that have only one child of the same kind.
function finishTree(node, parent) {
  node.parent = parent;
  if (!node.children) return node;
  let children = [...node.children.values()];
  node.children = children.map((child) => finishTree(child, node)).sort((a, b) => b.size - a.size);
  if (parent && node.children.length === 1 && node.children[0].children) {
    const [only] = node.children;
    only.label = `${node.label} › ${only.label}`;
    only.parent = parent;
    return only;
  }
  node.sizes = CATEGORIES.map((_, category) => node.children.reduce((sum, child) =>
    sum + (child.leaf ? (child.leaf.category === category ? child.size : 0) : child.sizes[category]), 0));
  return node;
}

// Terms that must all occur.
function matcher(query) {
  const terms = query.toLowerCase().split(/\s+/).filter(Boolean);
  return terms.length ? (text) => { const lower = text.toLowerCase(); return terms.every((term) => lower.includes(term)); } : null;
}
