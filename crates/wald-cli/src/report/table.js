// A table that only has the rows that are visible, so that any number of them scrolls well.

// Makes an element: a tag, classes behind dots, properties, children.
function make(what, properties, ...children) {
  const [tag, ...classes] = what.split('.');
  const element = document.createElement(tag || 'div');
  if (classes.length) element.className = classes.join(' ');
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

const dot = (category) => make(`i.dot.c-${CATEGORIES[category][0]}`, { title: CATEGORIES[category][1] });

// Text in which the terms of a search are marked.
function marked(text, terms) {
  const lower = text.toLowerCase();
  const parts = [];
  for (let at = 0; at < text.length;) {
    let next = text.length, length = 0;
    for (const term of terms) {
      const found = lower.indexOf(term, at);
      if (found >= 0 && found < next) [next, length] = [found, term.length];
    }
    if (next > at) parts.push(text.slice(at, next));
    if (length) parts.push(make('mark', null, text.slice(next, next + length)));
    at = next + (length || 1);
  }
  return parts;
}

class Table {
  // A column: title, width (as for flex), value to sort by, cell to show; num, narrow (also on a phone), primary.
  constructor(holder, { columns, rows, sort, onSelect, sub, terms, label, empty }) {
    Object.assign(this, { columns, rows, onSelect, sub, terms: terms ?? [], selected: null });
    this.order = sort ?? { column: columns.findIndex((column) => column.num), down: true };
    this.phone = matchMedia('(max-width: 640px)');
    this.head = make('div.thead', { role: 'row' });
    this.spacer = make('div.spacer');
    this.body = make('div.tbody', { tabindex: 0, role: 'rowgroup' }, this.spacer);
    this.element = make('div.table', { role: 'grid', 'aria-label': label, 'aria-rowcount': rows.length }, this.head, this.body);
    if (!rows.length) this.body.append(make('p.empty', null, empty ?? 'Nothing matches.'));
    holder.append(this.element);
    this.body.addEventListener('scroll', () => this.render());
    this.body.addEventListener('keydown', (event) => this.key(event));
    this.onResize = () => { this.titles(); this.render(true); };
    this.observer = new ResizeObserver(this.onResize);
    this.observer.observe(this.body);
    this.sort();
  }

  end() { this.observer.disconnect(); }
  get height() { return this.phone.matches ? 52 : 32; }
  get shown() { return this.columns.filter((column) => column.primary || column.narrow || !this.phone.matches); }

  titles() {
    const scrollbar = this.body.offsetWidth - this.body.clientWidth;
    this.element.style.setProperty('--scrollbar', `${scrollbar}px`);
    this.head.replaceChildren(...this.shown.map((column) => {
      const isSorted = this.columns[this.order.column] === column;
      const button = make(`button${column.num ? '.num' : ''}`, {
        type: 'button', title: column.hint, 'aria-sort': isSorted ? (this.order.down ? 'descending' : 'ascending') : null,
        onclick: () => {
          const at = this.columns.indexOf(column);
          this.order = { column: at, down: this.order.column === at ? !this.order.down : Boolean(column.num) };
          this.sort();
        },
      }, column.title);
      button.style.flex = column.width;
      return button;
    }));
  }

  sort() {
    const { value } = this.columns[this.order.column];
    const keys = new Map(this.rows.map((row) => [row, value(row)]));
    const sign = this.order.down ? -1 : 1;
    const collator = new Intl.Collator('en', { numeric: true });
    const compare = typeof keys.values().next().value === 'number' ? (a, b) => a - b : (a, b) => collator.compare(a, b);
    this.rows.sort((a, b) => sign * compare(keys.get(a), keys.get(b)));
    this.body.scrollTop = 0;
    this.titles();
    this.render(true);
  }

  render(again) {
    const { height } = this;
    const first = Math.max(0, Math.floor(this.body.scrollTop / height) - 4);
    const last = Math.min(this.rows.length, Math.ceil((this.body.scrollTop + this.body.clientHeight) / height) + 4);
    if (!again && first === this.first && last === this.last) return;
    [this.first, this.last] = [first, last];
    this.spacer.style.height = `${this.rows.length * height}px`;
    this.body.querySelectorAll('.tr').forEach((row) => row.remove());
    for (let at = first; at < last; at++) this.body.append(this.row(at, height));
  }

  row(at, height) {
    const row = this.rows[at];
    const cells = this.shown.map((column) => {
      const content = column.cell(row);
      const text = typeof content === 'string' && column.primary ? marked(content, this.terms) : content;
      const sub = column.primary && this.sub ? make('div.sub', null, this.sub(row)) : null;
      const cell = column.primary
        ? make('div.td.name', { role: 'gridcell', title: typeof content === 'string' ? content : null },
          column.icon ? column.icon(row) : null, make('span', null, text, sub))
        : make(`div.td${column.num ? '.num' : ''}${column.quiet ? '.quiet' : ''}`, { role: 'gridcell', title: typeof content === 'string' ? content : null }, text);
      cell.style.flex = column.width;
      return cell;
    });
    const element = make('div.tr', {
      role: 'row', 'aria-rowindex': at + 1, 'aria-selected': row === this.selected ? 'true' : 'false',
      onclick: () => this.select(at),
    }, cells);
    element.style.top = `${at * height}px`;
    element.style.height = `${height}px`;
    return element;
  }

  select(at) {
    this.selected = this.rows[at];
    this.render(true);
    this.onSelect?.(this.selected);
  }

  key(event) {
    const page = Math.max(1, Math.floor(this.body.clientHeight / this.height) - 1);
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (!(event.key in moves) || !this.rows.length) return;
    event.preventDefault();
    const now = this.selected ? this.rows.indexOf(this.selected) : -1;
    const at = Math.max(0, Math.min(this.rows.length - 1, now + moves[event.key]));
    const top = at * this.height;
    if (top < this.body.scrollTop) this.body.scrollTop = top;
    if (top + this.height > this.body.scrollTop + this.body.clientHeight) this.body.scrollTop = top + this.height - this.body.clientHeight;
    this.select(at);
  }
}
