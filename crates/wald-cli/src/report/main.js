// The page: views, search, theme, and what is loaded.

const byId = (id) => document.getElementById(id);
const tip = byId('tip');

function moveTip(event) {
  const { width, height } = tip.getBoundingClientRect();
  const x = Math.min(event.clientX + 14, innerWidth - width - 8), y = event.clientY + 16;
  tip.style.left = `${Math.max(8, x)}px`;
  tip.style.top = `${y + height > innerHeight - 8 ? Math.max(8, event.clientY - height - 12) : y}px`;
}

function showTip(content, event) {
  tip.hidden = !content;
  if (!content) return;
  tip.replaceChildren(...content);
  moveTip(event);
}

class App {
  constructor(model) {
    this.model = model;
    this.shown = CATEGORIES.map(() => true);
    this.grouping = 'files';
    this.query = '';
    this.older = null;
    this.trail = [];
    this.detail = new Detail(byId('detail'), this);
    this.views = [
      { id: 'map', title: 'Map', show: (holder) => this.showMap(holder) },
      { id: 'symbols', title: 'Symbols', rows: () => this.symbolRows(), show: (holder) => this.showSymbols(holder) },
      { id: 'files', title: 'Files', rows: () => this.fileRows(), show: (holder) => this.showFiles(holder) },
      { id: 'generics', title: 'Generics', rows: () => this.genericRows(), show: (holder) => this.showGenerics(holder) },
      { id: 'strings', title: 'Strings', rows: () => this.stringRows(), show: (holder) => this.showStrings(holder) },
      { id: 'duplicates', title: 'Duplicates', rows: () => this.duplicateRows(), show: (holder) => this.showDuplicates(holder) },
      { id: 'discarded', title: 'Discarded', rows: () => this.discardedRows(), show: (holder) => this.showDiscarded(holder) },
      { id: 'changes', title: 'Changes', rows: () => this.changeRows(), show: (holder) => this.showChanges(holder) },
    ];
    this.start();
  }

  start() {
    const { model } = this;
    document.title = `${model.output} – Wald report`;
    byId('output').textContent = model.output || 'module';
    const functions = this.symbolRows().filter((row) => row.isFunction).length;
    byId('summary').textContent = `${formatBytes(model.size)} · ${exact.format(functions)} functions · ${exact.format(model.files.length)} objects`;
    byId('summary').title = formatExact(model.size);
    this.legend();
    this.tabs();
    byId('search').addEventListener('input', (event) => this.search(event.target.value));
    byId('search').addEventListener('keydown', (event) => {
      if (event.key === 'Escape') { event.target.value = ''; this.search(''); }
      if (event.key === 'ArrowDown') byId('view').querySelector('.tbody, canvas')?.focus();
    });
    byId('theme').addEventListener('click', () => this.switchTheme());
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.refresh());
    document.addEventListener('keydown', (event) => {
      if (event.key === '/' && !/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) {
        event.preventDefault();
        byId('search').focus();
      }
      if (event.key === 'Escape' && event.target === document.body) this.detail.close();
    });
    this.comparing();
    addEventListener('hashchange', () => this.open(location.hash.slice(1), true));
    this.open(location.hash.slice(1));
  }

  // Sizes by category, which are switches at the same time.
  legend() {
    const { model } = this;
    byId('legend').replaceChildren(...CATEGORIES.map(([name, title], category) => {
      const size = model.categories[category];
      const bar = make('i');
      bar.style.width = `${100 * size / (model.size || 1)}%`;
      const tile = make(`button.tile.c-${name}`, { type: 'button', 'aria-pressed': String(this.shown[category]), title: formatExact(size) },
        make('span.label', null, dot(category), title),
        make('span.value', null, formatBytes(size), make('small', null, formatShare(size, model.size))),
        make('span.bar', { 'aria-hidden': 'true' }, bar));
      tile.addEventListener('click', () => {
        this.shown[category] = !this.shown[category];
        tile.setAttribute('aria-pressed', String(this.shown[category]));
        this.trail = [];
        this.refresh();
      });
      return tile;
    }));
  }

  tabs() {
    byId('tabs').replaceChildren(...this.views.map((view) => make('button', {
      type: 'button', role: 'tab', id: `tab-${view.id}`, 'aria-controls': 'view', onclick: () => this.open(view.id),
      onkeydown: (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!step) return;
        const at = this.views.indexOf(view);
        this.open(this.views[(at + step + this.views.length) % this.views.length].id);
        byId(`tab-${this.view.id}`).focus();
      },
    }, view.title, view.rows && (view.id !== 'changes' || this.older) ? make('span.count', null, exact.format(view.rows().length)) : null)));
  }

  open(id, quiet) {
    const view = this.views.find((view) => view.id === id) ?? this.views[0];
    if (view === this.view) return;
    if (this.view) this.detail.panel.hidden = true;
    this.view = view;
    if (!quiet) try { history.replaceState(null, '', `#${view.id}`); } catch { /* a page without an address */ }
    this.refresh();
    byId(`tab-${view.id}`).scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }

  refresh() {
    if (!this.view) return;
    for (const view of this.views) {
      const tab = byId(`tab-${view.id}`), isOpen = view === this.view;
      tab.setAttribute('aria-selected', String(isOpen));
      tab.tabIndex = isOpen ? 0 : -1;
    }
    this.content?.end?.();
    const holder = byId('view');
    holder.replaceChildren();
    holder.setAttribute('aria-labelledby', `tab-${this.view.id}`);
    this.content = this.view.show(holder);
  }

  search(query) {
    this.query = query;
    this.trail = [];
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.refresh(), this.model.leaves.length > 20000 ? 120 : 0);
  }

  switchTheme() {
    const root = document.documentElement;
    const isDark = (root.dataset.theme ?? (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light')) === 'dark';
    root.dataset.theme = isDark ? 'light' : 'dark';
    try { localStorage.setItem('wald-theme', root.dataset.theme); } catch { /* a page without storage */ }
    if (this.content instanceof Treemap) this.content.draw();
  }

  announce(text) { byId('live').textContent = text; }
  get terms() { return this.query.toLowerCase().split(/\s+/).filter(Boolean); }

  filtered(rows, text) {
    const match = matcher(this.query);
    return match ? rows.filter((row) => match(text(row))) : [...rows];
  }

  // The map.
  showMap(holder) {
    const match = matcher(this.query), { model } = this;
    const found = match && ((leaf) => match(`${leaf.name}\n${leaf.node >= 0 ? model.nodeSymbol(leaf.node) : ''}\n${model.fileName(leaf.file)}`));
    const root = model.tree(this.grouping, this.shown, found);
    const crumbs = make('div.crumbs');
    const choice = make('div.choice', { role: 'group', 'aria-label': 'Group by' }, [['files', 'Files'], ['sections', 'Sections'], ['namespaces', 'Namespaces']].map(([id, title]) =>
      make('button', { type: 'button', 'aria-pressed': String(this.grouping === id), onclick: () => { this.grouping = id; this.trail = []; this.refresh(); } }, title)));
    const area = make('div.map');
    holder.append(make('div.bar-row', null, crumbs, choice), area);
    const map = new Treemap(area, {
      onOpen: (node) => go(node),
      onSelect: (node) => this.detail.leaf(node.leaf),
      describe: (node) => this.describe(node),
      announce: (text) => this.announce(text),
    });
    const go = (node) => {
      map.show(node);
      this.trail = [];
      for (let at = node; at; at = at.parent) this.trail.unshift(at);
      crumbs.replaceChildren(...this.trail.flatMap((at, index) => [index ? make('span', { 'aria-hidden': 'true' }, '›') : null,
        make('button', { type: 'button', onclick: () => { if (at !== node) go(at); } }, at.label)]).filter(Boolean),
      make('small', null, `${formatBytes(node.size)} · ${formatShare(node.size, model.size)}`));
      this.announce(`${node.label}, ${formatBytes(node.size)}`);
    };
    const labels = this.trail.map((node) => node.label);
    let start = root;
    for (const label of labels.slice(1)) start = start.children?.find((child) => child.label === label && child.children) ?? start;
    go(start);
    return map;
  }

  describe(node) {
    const { model } = this, { leaf } = node;
    const share = formatShare(node.size, model.size);
    if (!leaf) return [make('b', null, node.label), make('span', null, `${formatBytes(node.size)} · ${share} · open with a click`)];
    const lines = [make('b', null, node.label), make('span', null, `${CATEGORIES[leaf.category][1]} · ${formatBytes(node.size)} · ${share}`)];
    const text = leaf.node >= 0 && model.nodeText(leaf.node);
    for (const line of [text && `“${text}”`, leaf.file >= 0 && model.shortFile(leaf.file), leaf.node >= 0 && model.nodeSource(leaf.node)]) {
      if (line) lines.push(make('br'), make('span', null, line));
    }
    return lines;
  }

  table(holder, options, note) {
    if (note) holder.append(make('div.bar-row', null, make('p.note', null, note), options.extra ?? null));
    return new Table(holder, { terms: this.terms, label: this.view.title, ...options });
  }

  // Tables. Rows are made once; searching only filters them.
  symbolRows() {
    const { model } = this, { nodes } = model.json;
    return this.symbols ??= Array.from({ length: model.nodeCount }, (_, node) => ({
      node, name: model.nodeName(node), symbol: model.nodeSymbol(node), kind: model.nodeKind(node), size: nodes.size[node],
      retained: nodes.retained[node], file: nodes.file[node], source: model.nodeSource(node), text: model.nodeText(node),
    })).filter((row) => row.size > 0 || ['function', 'import', 'linker-function'].includes(row.kind)).map((row) => {
      row.isFunction = row.kind.endsWith('function');
      row.category = row.isFunction ? 0 : row.kind === 'data' ? 1 : 5;
      row.fileName = model.shortFile(row.file);
      return row;
    });
  }

  showSymbols(holder) {
    const rows = this.filtered(this.symbolRows().filter((row) => this.shown[row.category]), (row) => `${row.name}\n${row.symbol}\n${row.fileName}\n${row.source}\n${row.text ?? ''}`);
    return this.table(holder, {
      rows, onSelect: (row) => this.detail.node(row.node), sub: (row) => row.fileName,
      columns: [
        { title: 'Symbol', width: '5 1 0', primary: true, value: (row) => row.name, cell: (row) => row.name, icon: (row) => dot(row.category) },
        { title: 'Size', width: '0 0 92px', num: true, narrow: true, value: (row) => row.size, cell: (row) => formatBytes(row.size) },
        { title: 'Keeps', width: '0 0 92px', num: true, hint: 'Its own size and that of what nothing else refers to', value: (row) => row.retained, cell: (row) => formatBytes(row.retained) },
        { title: 'Kind', width: '0 0 118px', quiet: true, value: (row) => row.kind, cell: (row) => NODE_KINDS[row.kind] },
        { title: 'File', width: '2.4 1 0', quiet: true, value: (row) => row.fileName, cell: (row) => row.fileName },
        ...(this.model.json.sourceFiles.length ? [{ title: 'Source', width: '2 1 0', quiet: true, value: (row) => row.source, cell: (row) => row.source.split('/').slice(-2).join('/') }] : []),
      ],
    });
  }

  fileRows() {
    const { model } = this;
    if (this.fileList) return this.fileList;
    const sizes = model.files.map(() => CATEGORIES.map(() => 0));
    for (const leaf of model.leaves) if (leaf.file >= 0) sizes[leaf.file][leaf.category] += leaf.size;
    return this.fileList = model.files.map((file, at) => ({ file: at, name: model.shortFile(at), sizes: sizes[at], ...file, full: model.fileName(at) }));
  }

  showFiles(holder) {
    const rows = this.filtered(this.fileRows(), (row) => `${row.full}\n${row.library}`);
    const size = (category, title) => ({ title, width: '0 0 84px', num: true, value: (row) => row.sizes[category], cell: (row) => (row.sizes[category] ? formatBytes(row.sizes[category]) : '') });
    return this.table(holder, {
      rows, onSelect: (row) => this.detail.file(row.file), sub: (row) => row.library,
      columns: [
        { title: 'File', width: '3 1 0', primary: true, value: (row) => row.name, cell: (row) => row.name },
        { title: 'Size', width: '0 0 92px', num: true, narrow: true, value: (row) => row.size, cell: (row) => formatBytes(row.size) },
        size(0, 'Code'), size(1, 'Data'), size(2, 'Debug'), size(3, 'Names'),
        { title: 'Library', width: '1.2 1 0', quiet: true, value: (row) => row.library, cell: (row) => row.library },
        { title: 'Linked for', width: '2 1 0', quiet: true, hint: 'The symbol for which the archive member was linked', value: (row) => row.for ?? '', cell: (row) => row.for ?? '' },
      ],
    });
  }

  genericRows() {
    if (this.genericList) return this.genericList;
    const groups = new Map();
    for (const row of this.symbolRows()) {
      if (!row.isFunction || !row.size || row.symbol === row.name) continue;
      const name = genericName(row.name);
      const group = groups.get(name) ?? groups.set(name, { name, size: 0, nodes: [], largest: 0 }).get(name);
      group.size += row.size;
      group.largest = Math.max(group.largest, row.size);
      group.nodes.push(row.node);
    }
    return this.genericList = [...groups.values()].filter((group) => group.nodes.length > 1);
  }

  showGenerics(holder) {
    const rows = this.filtered(this.genericRows(), (row) => row.name);
    return this.table(holder, {
      rows, empty: 'No templates or generics with several instances.',
      onSelect: (row) => this.detail.group(row.name, null, [...row.nodes].sort((a, b) => this.model.json.nodes.size[b] - this.model.json.nodes.size[a]),
        [fact('Instances', exact.format(row.nodes.length)), fact('Together', formatBytes(row.size), formatExact(row.size))]),
      sub: (row) => `${row.nodes.length} instances`,
      columns: [
        { title: 'Template or generic', width: '5 1 0', primary: true, value: (row) => row.name, cell: (row) => row.name },
        { title: 'Together', width: '0 0 100px', num: true, narrow: true, value: (row) => row.size, cell: (row) => formatBytes(row.size) },
        { title: 'Instances', width: '0 0 96px', num: true, value: (row) => row.nodes.length, cell: (row) => exact.format(row.nodes.length) },
        { title: 'Largest', width: '0 0 92px', num: true, value: (row) => row.largest, cell: (row) => formatBytes(row.largest) },
      ],
    }, 'Functions that are instances of one template or generic, or that differ only in where they were instantiated.');
  }

  stringRows() {
    const { model } = this;
    const kind = model.json.enums.itemKind.indexOf('strings');
    return this.strings ??= model.leaves.filter((leaf) => model.json.items.kind[leaf.item] === kind).map((leaf) => ({
      leaf, size: leaf.size, text: leaf.node >= 0 ? model.nodeText(leaf.node) : null, section: leaf.section, file: model.shortFile(leaf.file),
      name: (leaf.node >= 0 && model.nodeText(leaf.node)) || leaf.name,
    }));
  }

  showStrings(holder) {
    const rows = this.filtered(this.stringRows(), (row) => `${row.name}\n${row.file}\n${row.section}`);
    return this.table(holder, {
      rows, empty: 'No strings were merged.', onSelect: (row) => this.detail.leaf(row.leaf), sub: (row) => `${row.file} · ${row.section}`,
      columns: [
        { title: 'Strings', width: '4 1 0', primary: true, value: (row) => row.name, cell: (row) => row.name, icon: (row) => dot(row.leaf.category) },
        { title: 'Size', width: '0 0 92px', num: true, narrow: true, value: (row) => row.size, cell: (row) => formatBytes(row.size) },
        { title: 'Section', width: '0 0 140px', quiet: true, value: (row) => row.section, cell: (row) => row.section },
        { title: 'Owner', width: '2 1 0', quiet: true, value: (row) => row.file, cell: (row) => row.file },
      ],
    }, 'Equal strings are in the output once. They belong to the first object that has them.');
  }

  duplicateRows() {
    const { model } = this, { nodes, duplicates } = model.json;
    return this.duplicates ??= duplicates.map((group) => {
      const size = Math.max(...group.map((node) => nodes.size[node]));
      const total = group.reduce((sum, node) => sum + nodes.size[node], 0);
      return { nodes: group, name: model.nodeName(group[0]), size, saving: total - size, count: group.length };
    });
  }

  showDuplicates(holder) {
    const rows = this.filtered(this.duplicateRows(), (row) => row.nodes.map((node) => this.model.nodeName(node)).join('\n'));
    const saving = this.duplicateRows().reduce((sum, row) => sum + row.saving, 0);
    return this.table(holder, {
      rows, empty: 'No two functions are the same.', sub: (row) => `${row.count} copies`,
      onSelect: (row) => this.detail.group(row.name, 'Same code, same references.', row.nodes,
        [fact('Copies', exact.format(row.count)), fact('Each', formatBytes(row.size)), fact('Folding saves', formatBytes(row.saving))]),
      columns: [
        { title: 'Function', width: '5 1 0', primary: true, value: (row) => row.name, cell: (row) => row.name },
        { title: 'Saves', width: '0 0 92px', num: true, narrow: true, hint: 'If one were left', value: (row) => row.saving, cell: (row) => formatBytes(row.saving) },
        { title: 'Copies', width: '0 0 86px', num: true, value: (row) => row.count, cell: (row) => exact.format(row.count) },
        { title: 'Each', width: '0 0 92px', num: true, value: (row) => row.size, cell: (row) => formatBytes(row.size) },
      ],
    }, `Functions with the same code that refer to the same. One of each would be ${formatBytes(saving)} less.`);
  }

  discardedRows() {
    const { model } = this, { discarded, enums } = model.json;
    return this.gone ??= discarded.name.map((name, at) => ({
      symbol: model.strings[name], name: model.text(discarded.demangled[at]) ?? model.strings[name], size: discarded.size[at],
      kind: discarded.function[at] ? 'function' : 'data', file: discarded.file[at], fileName: model.shortFile(discarded.file[at]),
      absence: enums.absence[discarded.absence[at]], instead: discarded.instead[at],
    }));
  }

  showDiscarded(holder) {
    const rows = this.filtered(this.discardedRows(), (row) => `${row.name}\n${row.symbol}\n${row.fileName}`);
    const total = this.discardedRows().reduce((sum, row) => sum + row.size, 0);
    return this.table(holder, {
      rows, empty: 'Everything of the linked objects is in the output.', onSelect: (row) => this.detail.discarded(row), sub: (row) => row.fileName,
      columns: [
        { title: 'Symbol', width: '4 1 0', primary: true, value: (row) => row.name, cell: (row) => row.name, icon: (row) => dot(row.kind === 'function' ? 0 : 1) },
        { title: 'Size', width: '0 0 92px', num: true, narrow: true, value: (row) => row.size, cell: (row) => formatBytes(row.size) },
        { title: 'Why', width: '1.6 1 0', quiet: true, value: (row) => row.absence, cell: (row) => ABSENCES[row.absence] },
        { title: 'File', width: '2 1 0', quiet: true, value: (row) => row.fileName, cell: (row) => row.fileName },
      ],
    }, `Functions and data of the linked objects that are not in the output: ${formatBytes(total)}.`);
  }

  // Changes since an older report.
  comparing() {
    byId('compare').addEventListener('click', () => byId('file').click());
    byId('file').addEventListener('change', (event) => { if (event.target.files[0]) this.load(event.target.files[0]); event.target.value = ''; });
    let depth = 0;
    const isFile = (event) => [...(event.dataTransfer?.types ?? [])].includes('Files');
    addEventListener('dragenter', (event) => { if (isFile(event) && depth++ === 0) byId('drop').hidden = false; });
    addEventListener('dragleave', (event) => { if (isFile(event) && --depth <= 0) { depth = 0; byId('drop').hidden = true; } });
    addEventListener('dragover', (event) => { if (isFile(event)) event.preventDefault(); });
    addEventListener('drop', (event) => {
      if (!isFile(event)) return;
      event.preventDefault();
      depth = 0;
      byId('drop').hidden = true;
      if (event.dataTransfer.files[0]) this.load(event.dataTransfer.files[0]);
    });
    const earlier = byId('earlier').textContent.trim();
    if (earlier) this.compareWith(earlier);
  }

  async load(file) { this.compareWith(await file.text()); }

  compareWith(text) {
    try {
      this.older = new Model(JSON.parse(text));
      this.problem = null;
    } catch (error) {
      this.problem = error instanceof SyntaxError ? 'The file is not JSON. Reports are written by --report=<file.json>.' : error.message;
    }
    this.changes = null;
    this.tabs();
    this.view = null;
    this.open('changes');
  }

  changeRows() { return this.older ? (this.changes ??= compare(this.older, this.model)) : []; }

  showChanges(holder) {
    if (!this.older || this.problem) {
      holder.append(make('div.empty', null,
        make('p', null, this.problem ?? 'Drop an older report (JSON) on this page to see what was added, what has grown and what is gone.'),
        make('p', null, make('br'), make('button.button', { type: 'button', onclick: () => byId('file').click() }, 'Choose a report…'))));
      return null;
    }
    const rows = this.filtered(this.changeRows().filter((row) => this.shown[row.category]), (row) => `${row.name}\n${row.library}\n${row.status}`);
    const delta = this.model.size - this.older.size;
    const count = (status) => exact.format(this.changeRows().filter((row) => row.status === status).length);
    return this.table(holder, {
      rows, empty: 'Nothing has changed.', sub: (row) => `${row.status} · ${row.library}`, sort: { column: 1, down: true },
      onSelect: (row) => { if (row.leaf) this.detail.leaf(row.leaf); },
      columns: [
        { title: 'Symbol', width: '4 1 0', primary: true, value: (row) => row.name, cell: (row) => row.name, icon: (row) => dot(row.category) },
        { title: 'Change', width: '0 0 96px', num: true, narrow: true, hint: 'Sorted by how much', value: (row) => Math.abs(row.delta), cell: (row) => make(`span.${row.delta > 0 ? 'up' : 'down'}`, null, formatDelta(row.delta)) },
        { title: 'Before', width: '0 0 88px', num: true, value: (row) => row.was, cell: (row) => (row.was ? formatBytes(row.was) : '') },
        { title: 'Now', width: '0 0 88px', num: true, value: (row) => row.now, cell: (row) => (row.now ? formatBytes(row.now) : '') },
        { title: '', width: '0 0 84px', quiet: true, value: (row) => row.status, cell: (row) => row.status },
        { title: 'Library', width: '1.4 1 0', quiet: true, value: (row) => row.library, cell: (row) => row.library },
      ],
    }, `${formatBytes(this.older.size)} → ${formatBytes(this.model.size)} (${formatDelta(delta)}): ${count('added')} added, ${count('grown')} grown, ${count('shrunk')} shrunk, ${count('gone')} gone.`);
  }
}

try {
  const theme = localStorage.getItem('wald-theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch { /* a page without storage */ }
try {
  globalThis.app = new App(new Model(JSON.parse(byId('data').textContent)));
} catch (error) {
  byId('view').append(make('p.empty', null, `The report cannot be shown: ${error.message}`));
  throw error;
}
