// What all parts of the page use.
'use strict';

const byId = (id) => document.getElementById(id);

// An element with properties and children.
function make(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined) continue;
    if (key in element) element[key] = value;
    else element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

function sizeText(bytes) {
  if (bytes < 10_000) return `${bytes.toLocaleString('en')} bytes`;
  return bytes < 10_000_000 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

function timeText(milliseconds) {
  if (milliseconds >= 1000) return `${(milliseconds / 1000).toFixed(2)} s`;
  return milliseconds >= 10 ? `${Math.round(milliseconds)} ms` : `${milliseconds.toFixed(milliseconds >= 1 ? 1 : 2)} ms`;
}

const countText = (count, one, many = `${one}s`) => `${count.toLocaleString('en')} ${count === 1 ? one : many}`;

function announce(text) {
  byId('live').textContent = text;
}

// A row of tabs with arrow keys. `show` is told of the new one.
function tabs(list, show = () => {}) {
  const all = [...list.querySelectorAll('[role="tab"]')];
  const select = (tab, focus) => {
    for (const other of all) {
      const isSelected = other === tab;
      other.setAttribute('aria-selected', isSelected);
      other.tabIndex = isSelected ? 0 : -1;
      byId(other.getAttribute('aria-controls')).hidden = !isSelected;
    }
    if (focus) tab.focus();
    show(tab.id);
  };
  list.addEventListener('click', (event) => {
    const tab = event.target.closest('[role="tab"]');
    if (tab) select(tab);
  });
  list.addEventListener('keydown', (event) => {
    const at = all.indexOf(document.activeElement);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined || at < 0) return;
    event.preventDefault();
    select(all[(to + all.length) % all.length], true);
  });
  return { select: (id) => select(byId(id)), selected: () => all.find((tab) => tab.getAttribute('aria-selected') === 'true').id };
}

// A command line as a list of arguments: blanks separate, quotes and backslashes are as in a POSIX shell.
function splitArguments(text) {
  const list = [];
  let current;
  for (const [part] of text.matchAll(/'[^']*'?|"(?:\\.|[^"\\])*"?|\\.|\s+|[^\s'"\\]+|\\/gs)) {
    if (/^\s/.test(part)) {
      if (current !== undefined) list.push(current);
      current = undefined;
      continue;
    }
    const plain = part.startsWith("'") ? part.replaceAll("'", '') : part.startsWith('"')
      ? part.replace(/^"|"$/g, '').replace(/\\(["\\$`])/g, '$1') : part.startsWith('\\') ? part.slice(1) : part;
    current = (current ?? '') + plain;
  }
  if (current !== undefined) list.push(current);
  return list;
}

const quoteArgument = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
