// The panel with everything about one item.

const MANY = 60;

const fact = (label, value, title) => make('div.fact', { title }, make('span', null, label), make('b', null, value));
const pair = (label, value) => (value ? make('p.kv', null, make('span', null, `${label} `), value) : null);

// A long name, which may be broken between its parts.
const breakable = (name) => name.split(/(?<=::|[<(,])/).flatMap((part, at) => (at ? [make('wbr'), part] : [part]));

class Detail {
  constructor(panel, app) {
    Object.assign(this, { panel, app });
    panel.addEventListener('keydown', (event) => { if (event.key === 'Escape') this.close(); });
  }

  close() {
    this.panel.hidden = true;
    this.opener?.focus?.();
  }

  open(title, ...content) {
    if (this.panel.hidden) this.opener = document.activeElement;
    const close = make('button.close', { type: 'button', 'aria-label': 'Close the details', onclick: () => this.close() }, '×');
    this.panel.replaceChildren(make('div.head', null, make('h2', null, breakable(title)), close), ...content.flat().filter(Boolean));
    this.panel.hidden = false;
    this.panel.scrollTop = 0;
  }

  nodeLink(node) {
    return make('button.link', { type: 'button', onclick: () => this.node(node) }, breakable(this.app.model.nodeName(node)));
  }

  fileLink(file, text) {
    return make('button.link', { type: 'button', onclick: () => this.file(file) }, text ?? this.app.model.fileName(file));
  }

  member(file) {
    const of = file >= 0 ? this.app.model.files[file] : null;
    if (!of?.for) return null;
    return pair('Linked because', make('span', { style: null }, `${of.by} refers to ${of.for}`));
  }

  // A function, a segment or anything else that has a reason.
  node(node) {
    const { model } = this.app, { nodes } = model.json;
    const [size, retained, file] = [nodes.size[node], nodes.retained[node], nodes.file[node]];
    const name = model.nodeName(node), symbol = model.nodeSymbol(node), text = model.nodeText(node);
    const kind = model.nodeKind(node);
    this.open(
      name,
      symbol !== name ? make('p.raw.mono', null, symbol) : null,
      make('div.facts', null,
        fact('Kind', NODE_KINDS[kind]),
        fact('Size', formatBytes(size), formatExact(size)),
        fact('Keeps', formatBytes(retained), `${formatExact(retained)}: its own, and what nothing else refers to`),
        fact('Share', formatShare(size, model.size))),
      text !== null ? pair('Text', make('code', null, `“${text}”`)) : null,
      file >= 0 && kind !== 'object' ? pair('File', this.fileLink(file)) : null,
      pair('Source', model.nodeSource(node)),
      this.member(file),
      this.chain(node),
      this.references('Refers to', node, 'from', 'to'),
      this.references('Referred to by', node, 'to', 'from'),
      this.copies(node),
    );
  }

  chain(node) {
    const { model } = this.app;
    const steps = model.chain(node).map((at) => make('li', null,
      make('span.how', null, STEPS[model.nodeStep(at)] ?? model.nodeStep(at)),
      at === node ? make('b', null, model.nodeName(at)) : this.nodeLink(at),
      model.nodeKind(at) === 'object' ? null : make('span.where', null, model.nodeSource(at) || model.shortFile(model.json.nodes.file[at]))));
    return [make('h3', null, 'Why it is here'), make('ol.chain', null, steps)];
  }

  references(title, node, side, other) {
    const { model } = this.app, { edges, nodes } = model.json;
    const found = [...model.edgeIndex()[side](node)].map((edge) => ({ node: edges[other][edge], step: model.step(edges.step[edge]) }));
    if (!found.length) return null;
    found.sort((a, b) => nodes.size[b.node] - nodes.size[a.node]);
    const list = make('ul.refs');
    const add = (from, to) => list.append(...found.slice(from, to).map((of) =>
      make('li', null, this.nodeLink(of.node), make('span', { title: STEPS[of.step] }, formatBytes(nodes.size[of.node])))));
    add(0, MANY);
    const more = found.length > MANY ? make('button.button.small', { type: 'button', onclick: () => { add(MANY); more.remove(); } }, `Show ${found.length - MANY} more`) : null;
    return [make('h3', null, `${title} (${exact.format(found.length)})`), list, more];
  }

  copies(node) {
    const group = this.app.model.json.duplicates.find((group) => group.includes(node));
    return group ? [make('h3', null, `Same code (${group.length})`), this.nodeList(group.filter((other) => other !== node))] : null;
  }

  nodeList(list) {
    const { model } = this.app;
    return make('ul.refs', null, list.slice(0, 400).map((node) =>
      make('li', null, this.nodeLink(node), make('span', null, formatBytes(model.json.nodes.size[node])))));
  }

  file(file) {
    const { model } = this.app, of = model.files[file];
    const own = model.leaves.filter((leaf) => leaf.file === file);
    const sizes = CATEGORIES.map((_, category) => own.reduce((sum, leaf) => sum + (leaf.category === category ? leaf.size : 0), 0));
    this.open(model.fileName(file),
      make('div.facts', null, fact('Size', formatBytes(of.size), formatExact(of.size)), fact('Share', formatShare(of.size, model.size)), this.sizes(sizes)),
      pair('Library', of.library),
      this.member(file),
      make('h3', null, 'Largest'),
      this.leafList(own));
  }

  sizes(sizes) {
    return sizes.map((size, category) => (size ? make('div.fact', { title: formatExact(size) },
      make('span', null, dot(category), ` ${CATEGORIES[category][1]}`), make('b', null, formatBytes(size))) : null));
  }

  leafList(leaves) {
    const all = [...leaves].sort((a, b) => b.size - a.size).slice(0, MANY);
    return make('ul.refs', null, all.map((leaf) => make('li', null,
      leaf.node >= 0 ? this.nodeLink(leaf.node) : make('span', null, leaf.name), make('span', null, formatBytes(leaf.size)))));
  }

  leaf(leaf) {
    if (leaf.node >= 0) return this.node(leaf.node);
    const { model } = this.app;
    this.open(leaf.name,
      make('div.facts', null, fact('Category', CATEGORIES[leaf.category][1]), fact('Size', formatBytes(leaf.size), formatExact(leaf.size)), fact('Share', formatShare(leaf.size, model.size))),
      pair('Section', leaf.section),
      leaf.file >= 0 ? pair('File', this.fileLink(leaf.file)) : pair('File', 'made by the linker'),
      this.member(leaf.file));
  }

  group(title, text, nodes, facts) {
    this.open(title, make('div.facts', null, facts), text ? make('p.kv', null, text) : null, make('h3', null, 'Members'), this.nodeList(nodes));
  }

  discarded(row) {
    const { model } = this.app;
    this.open(row.name,
      row.symbol !== row.name ? make('p.raw.mono', null, row.symbol) : null,
      make('div.facts', null, fact('Kind', row.kind), fact('Size', formatBytes(row.size), formatExact(row.size))),
      pair('Not linked:', ABSENCES[row.absence]),
      pair('File', this.fileLink(row.file)),
      row.instead >= 0 ? pair('Linked instead: that of', this.fileLink(row.instead)) : null);
  }
}
