// The field of options, with completion from Wald's own option table.
'use strict';

const options = {
  // Flat: `spelling`, `takesValue`, `help`.
  table: [],
  shown: [],
  active: -1,
};

function setOptionTable(groups) {
  options.table = groups.flatMap((group) => group.options).flatMap(({ spellings, takesValue, help }) => spellings.map((spelling) => ({ spelling, takesValue, help })));
}

// The word at the cursor, and where it starts.
function currentWord() {
  const field = byId('options');
  const before = field.value.slice(0, field.selectionStart);
  const start = Math.max(before.lastIndexOf(' '), before.lastIndexOf('\t')) + 1;
  return { start, end: field.selectionStart, word: before.slice(start) };
}

function suggestions(word) {
  if (!word.startsWith('-') || word.includes('=')) return [];
  const wanted = word.toLowerCase();
  const bare = wanted.replace(/^-+/, '');
  const rank = ({ spelling }) => {
    const name = spelling.toLowerCase();
    if (name.startsWith(wanted)) return 0;
    if (bare && name.replace(/^-+/, '').startsWith(bare)) return 1;
    return bare.length > 1 && name.includes(bare) ? 2 : 3;
  };
  const ranked = options.table.map((option) => ({ option, rank: rank(option) })).filter(({ rank: value }) => value < 3);
  // Sorting keeps the order of the table.
  ranked.sort((one, other) => one.rank - other.rank);
  return ranked.map(({ option }) => option);
}

function showSuggestions() {
  const { word } = currentWord();
  options.shown = suggestions(word).slice(0, 60);
  options.active = -1;
  const list = byId('completions');
  list.replaceChildren(...options.shown.map((option, at) => make('li', { id: `completion-${at}`, role: 'option' },
    make('code', {}, option.spelling), make('span', {}, option.help))));
  setOpen(options.shown.length > 0);
}

function setOpen(isOpen) {
  byId('completions').hidden = !isOpen;
  const field = byId('options');
  field.setAttribute('aria-expanded', isOpen);
  if (!isOpen) field.removeAttribute('aria-activedescendant');
}

function activate(at) {
  options.active = (at + options.shown.length) % options.shown.length;
  [...byId('completions').children].forEach((item, number) => {
    item.setAttribute('aria-selected', number === options.active);
    if (number === options.active) item.scrollIntoView({ block: 'nearest' });
  });
  byId('options').setAttribute('aria-activedescendant', `completion-${options.active}`);
}

function complete(option) {
  const field = byId('options');
  const { start, end } = currentWord();
  // The name of the value is left out: `--entry=<symbol>` becomes `--entry=`.
  const text = option.spelling.replace(/<.*/, '').trimEnd();
  const space = option.takesValue && /[=\w]$/.test(text) && option.spelling.includes('<') ? (option.spelling.includes(' <') ? ' ' : '') : ' ';
  field.setRangeText(text + space, start, end, 'end');
  setOpen(false);
  field.focus();
  field.dispatchEvent(new Event('input'));
  setOpen(false);
}

// The options as a list of arguments.
const optionArguments = () => splitArguments(byId('options').value);

function setOptions(list) {
  byId('options').value = list.map(quoteArgument).join(' ');
}

function setUpOptions(submit) {
  const field = byId('options');
  const list = byId('completions');
  field.addEventListener('input', showSuggestions);
  field.addEventListener('keydown', (event) => {
    const isOpen = !list.hidden;
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      if (!isOpen) showSuggestions();
      if (options.shown.length > 0) activate(event.key === 'ArrowDown' ? options.active + 1 : options.active < 0 ? -1 : options.active - 1);
    } else if (event.key === 'Escape' && isOpen) {
      event.preventDefault();
      setOpen(false);
    } else if ((event.key === 'Enter' || event.key === 'Tab') && isOpen && options.active >= 0) {
      event.preventDefault();
      complete(options.shown[options.active]);
    } else if (event.key === 'Enter') {
      setOpen(false);
      submit();
    }
  });
  field.addEventListener('blur', () => setOpen(false));
  // Before the field loses the focus.
  list.addEventListener('pointerdown', (event) => {
    event.preventDefault();
    const item = event.target.closest('li');
    if (item) complete(options.shown[[...list.children].indexOf(item)]);
  });
}
