// A treemap on a canvas: areas are sizes, nested like the tree.

// Places rectangles side by side so that they are nearly square.
// After Bruls, Huizing and van Wijk, "Squarified Treemaps".
function squarify(children, total, x, y, width, height, place) {
  let at = 0, rest = total;
  while (at < children.length && rest > 0 && width > 0 && height > 0) {
    const along = Math.min(width, height), scale = width * height / rest;
    let sum = 0, end = at, worst = Infinity;
    while (end < children.length) {
      const next = sum + children[end].size;
      const side = next * scale / along;
      const smallest = children[end].size * scale / side, largest = children[at].size * scale / side;
      const ratio = Math.max(side / smallest, largest / side, smallest / side, side / largest);
      if (ratio > worst) break;
      [sum, worst] = [next, ratio];
      end++;
    }
    const side = Math.min(sum * scale / along, Math.max(width, height));
    let offset = 0;
    for (; at < end; at++) {
      const length = sum ? children[at].size / sum * along : 0;
      if (width >= height) place(children[at], x, y + offset, side, length);
      else place(children[at], x + offset, y, length, side);
      offset += length;
    }
    rest -= sum;
    if (width >= height) { x += side; width -= side; } else { y += side; height -= side; }
  }
}

class Treemap {
  constructor(holder, { onOpen, onSelect, describe, announce }) {
    Object.assign(this, { holder, onOpen, onSelect, describe, announce });
    this.canvas = document.createElement('canvas');
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute('role', 'application');
    this.canvas.setAttribute('aria-label', 'Treemap. Arrow keys move, Enter opens, Backspace goes up.');
    holder.append(this.canvas);
    this.context = this.canvas.getContext('2d');
    this.cells = [];
    this.current = null;
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(holder);
    this.canvas.addEventListener('pointermove', (event) => this.hover(event));
    this.canvas.addEventListener('pointerleave', () => this.leave());
    this.canvas.addEventListener('click', (event) => this.click(event));
    this.canvas.addEventListener('keydown', (event) => this.key(event));
  }

  end() { this.observer.disconnect(); this.leave(); }

  show(root, trail) {
    this.root = root;
    this.trail = trail;
    this.current = null;
    this.draw();
  }

  colors() {
    const style = getComputedStyle(document.documentElement);
    const of = (name) => style.getPropertyValue(`--${name}`).trim();
    return {
      categories: CATEGORIES.map(([name]) => of(name)), surface: of('surface'), frame: of('frame'), line: of('line'),
      strong: of('strong'), text: of('text'), muted: of('muted'), cell: of('cell-text'), accent: of('accent'),
      font: style.fontFamily || 'system-ui, sans-serif',
    };
  }

  draw() {
    if (!this.root) return;
    const { width, height } = this.holder.getBoundingClientRect();
    const ratio = Math.min(devicePixelRatio || 1, 3);
    this.canvas.width = Math.max(1, Math.round(width * ratio));
    this.canvas.height = Math.max(1, Math.round(height * ratio));
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.palette = this.colors();
    this.font = getComputedStyle(document.body).fontFamily;
    this.context.fillStyle = this.palette.surface;
    this.context.fillRect(0, 0, width, height);
    this.cells = [];
    this.context.textBaseline = 'middle';
    this.children(this.root, 0, 0, width, height, 0);
    if (!this.root.size) {
      this.text('Nothing to show', 14, 24, width - 28, this.palette.muted, 14);
    }
    // The mark moves without drawing everything again.
    this.clean = Object.assign(document.createElement('canvas'), { width: this.canvas.width, height: this.canvas.height });
    this.clean.getContext('2d').drawImage(this.canvas, 0, 0);
    this.mark();
  }

  children(node, x, y, width, height, depth) {
    squarify(node.children, node.size, x, y, width, height, (child, ...place) => this.cell(child, ...place, depth));
  }

  cell(node, x, y, width, height, depth) {
    const { context, palette } = this;
    if (width < 3 || height < 3) {
      // Too small for a shape of its own; together they are an area.
      context.fillStyle = palette.categories[this.category(node)];
      context.fillRect(x, y, width, height);
      if (width >= 1 && height >= 1) this.cells.push({ node, x, y, width, height, depth });
      return;
    }
    const gap = width > 5 && height > 5 ? 1 : 0;
    const [left, top, w, h] = [x + gap, y + gap, width - 2 * gap, height - 2 * gap];
    this.cells.push({ node, x: left, y: top, width: w, height: h, depth });
    if (node.leaf || w < 22 || h < 18) {
      context.fillStyle = palette.categories[this.category(node)];
      context.globalAlpha = node.leaf ? 1 : 0.82;
      this.box(left, top, w, h, Math.min(4, w / 4, h / 4));
      context.globalAlpha = 1;
      if (w > 46 && h > 17) {
        this.text(this.label(node), left + 6, top + Math.min(h / 2, 12), w - 12, palette.cell, 12, node.leaf ? 500 : 600);
        if (h > 38 && w > 60) this.text(formatBytes(node.size), left + 6, top + 28, w - 12, palette.cell, 11, 400, 0.82);
      }
      return;
    }
    context.fillStyle = depth % 2 ? palette.surface : palette.frame;
    this.box(left, top, w, h, Math.min(6, w / 4));
    context.strokeStyle = palette.line;
    context.lineWidth = 1;
    context.stroke();
    const header = h > 46 && w > 54 ? 20 : 0;
    if (header) {
      const size = formatBytes(node.size);
      context.font = `11px ${this.font}`;
      const room = w > 150 ? context.measureText(size).width + 14 : 0;
      this.text(node.label, left + 7, top + 11, w - 14 - room, palette.text, 12, 600);
      if (room) this.text(size, left + w - room + 6, top + 11, room, palette.muted, 11);
    }
    const pad = w > 60 && h > 60 ? 3 : 1;
    this.children(node, left + pad, top + header + (header ? 0 : pad), w - 2 * pad, h - header - pad - (header ? 0 : pad), depth + 1);
  }

  // Its category, or that of most of it.
  category(node) { return node.leaf ? node.leaf.category : node.sizes.indexOf(Math.max(...node.sizes)); }

  // A long qualified name is known by its end.
  label(node) {
    return node.leaf && node.leaf.node >= 0 ? splitName(bareName(node.label)).slice(-2).join('::') || node.label : node.label;
  }

  box(x, y, width, height, radius) {
    this.context.beginPath();
    this.context.roundRect(x, y, Math.max(0.5, width), Math.max(0.5, height), Math.max(0, radius));
    this.context.fill();
  }

  text(text, x, y, room, color, size, weight = 400, alpha = 1) {
    const { context } = this;
    context.font = `${weight} ${size}px ${this.font}`;
    // About as many characters as there is room for; measuring every name would take long.
    let shown = text.length > room / 3 ? text.slice(0, Math.ceil(room / 3)) : text;
    if (shown.length < text.length || context.measureText(shown).width > room) {
      let low = 0, high = shown.length;
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if (context.measureText(`${shown.slice(0, middle)}…`).width <= room) low = middle; else high = middle - 1;
      }
      if (low < 2) return;
      shown = `${shown.slice(0, low)}…`;
    }
    context.globalAlpha = alpha;
    context.fillStyle = color;
    context.fillText(shown, x, y);
    context.globalAlpha = 1;
  }

  at(event) {
    const { left, top } = this.canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - left, event.clientY - top];
    // The innermost cell comes last.
    for (let at = this.cells.length - 1; at >= 0; at--) {
      const cell = this.cells[at];
      if (x >= cell.x && y >= cell.y && x < cell.x + cell.width && y < cell.y + cell.height) return cell;
    }
    return null;
  }

  mark() {
    this.context.save();
    this.context.setTransform(1, 0, 0, 1, 0, 0);
    this.context.drawImage(this.clean, 0, 0);
    this.context.restore();
    const cell = this.current && this.cells.find((cell) => cell.node === this.current);
    if (!cell) return;
    this.context.strokeStyle = this.palette.text;
    this.context.lineWidth = 2;
    this.context.beginPath();
    this.context.roundRect(cell.x, cell.y, Math.max(2, cell.width), Math.max(2, cell.height), Math.min(4, cell.width / 4, cell.height / 4));
    this.context.stroke();
  }

  hover(event) {
    if (event.pointerType === 'touch') return;
    const cell = this.at(event);
    if (cell?.node !== this.hovered) {
      this.hovered = cell?.node;
      showTip(cell && this.describe(cell.node), event);
    } else moveTip(event);
  }

  leave() { this.hovered = null; showTip(null); }

  click(event) {
    const cell = this.at(event);
    if (cell) this.open(cell.node);
  }

  open(node) {
    this.leave();
    this.current = node;
    if (node.leaf) {
      this.onSelect(node);
      this.mark();
    } else this.onOpen(node);
  }

  key(event) {
    const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (event.key in arrows) this.move(...arrows[event.key]);
    else if (event.key === 'Enter' || event.key === ' ') { if (this.current) this.open(this.current); }
    else if ((event.key === 'Backspace' || event.key === 'Escape') && this.root.parent) this.onOpen(this.root.parent);
    else return;
    event.preventDefault();
  }

  // To the nearest cell of the first level in this direction.
  move(dx, dy) {
    const first = this.cells.filter((cell) => cell.depth === 0);
    const now = first.find((cell) => cell.node === this.current);
    let best = now ? null : first[0], nearest = Infinity;
    for (const cell of now ? first : []) {
      const x = cell.x + cell.width / 2 - now.x - now.width / 2, y = cell.y + cell.height / 2 - now.y - now.height / 2;
      const ahead = x * dx + y * dy, aside = Math.abs(x * dy) + Math.abs(y * dx);
      if (cell !== now && ahead > 1 && ahead + 2 * aside < nearest) [best, nearest] = [cell, ahead + 2 * aside];
    }
    if (!best) return;
    this.current = best.node;
    this.mark();
    this.announce(`${best.node.label}, ${formatBytes(best.node.size)}, ${formatShare(best.node.size, this.root.size)}`);
  }
}
