// Errors, warnings and notes, with their places. A help that Wald gives as a fix of the options has a button.
'use strict';

function placeText({ path, member, symbol, offset, source }) {
  const file = member ? `${path}(${member})` : path;
  if (source) return `${source.file}:${source.line}${source.column ? `:${source.column}` : ''}${source.function ? ` in ${source.function}` : ''} · ${file}`;
  return [file, symbol && `in ${symbol}`, offset !== undefined && `at offset 0x${offset.toString(16)}`].filter(Boolean).join(' ');
}

// What a fix does to the options. `undefined` if it is about something else.
function applied(fix, list) {
  switch (fix?.kind) {
    case 'add-argument': return list.includes(fix.argument) ? undefined : [...list, fix.argument];
    case 'remove-argument': return list.includes(fix.argument) ? list.filter((argument) => argument !== fix.argument) : undefined;
    case 'replace-argument': return list.includes(fix.from) ? list.map((argument) => (argument === fix.from ? fix.to : argument)) : undefined;
    default: return undefined;
  }
}

function fixButton(fix, apply) {
  const changed = applied(fix, optionArguments());
  if (!changed || changed.some((argument) => argument.includes('<'))) return undefined;
  const label = { 'add-argument': `Add ${fix.argument}`, 'remove-argument': `Remove ${fix.argument}`, 'replace-argument': `Use ${fix.to}` }[fix.kind];
  return make('button', { type: 'button', className: 'button small', onclick: () => apply(changed) }, label);
}

function messageCard({ severity, code, message, location: place, notes, helps }, apply) {
  const [first, ...rest] = message.split('\n');
  const explained = [
    ...notes.map(({ text }) => make('li', {}, make('b', {}, 'note'), make('span', {}, text))),
    ...helps.map(({ text, fix }) => make('li', { className: 'help' }, make('b', {}, 'help'), make('span', {}, text), fixButton(fix, apply))),
  ];
  return make('article', { className: `message ${severity}` },
    make('div', { className: 'title' }, make('span', { className: 'badge' }, severity), make('strong', {}, first), make('span', { className: 'code' }, code)),
    rest.length ? make('pre', {}, rest.join('\n')) : undefined,
    place ? make('p', { className: 'where' }, placeText(place)) : undefined,
    explained.length ? make('ul', {}, ...explained) : undefined);
}

// As many as a page can show at once.
const MOST_MESSAGES = 300;

function showMessages({ diagnostics, messages, stdout, exitCode }, apply) {
  const cards = diagnostics.slice(0, MOST_MESSAGES).map((diagnostic) => messageCard(diagnostic, apply));
  const more = diagnostics.length - MOST_MESSAGES;
  if (more > 0) cards.push(make('p', { className: 'empty' }, `and ${countText(more, 'more message')}`));
  const printed = [messages.join('\n'), stdout].filter(Boolean).join('\n');
  if (printed) cards.push(make('pre', { className: 'map', tabIndex: 0 }, printed.slice(0, 400_000)));
  if (cards.length === 0) cards.push(make('p', { className: 'empty' }, exitCode === 0 ? 'No errors and no warnings.' : 'Nothing was said.'));
  byId('panel-messages').replaceChildren(...cards);
  const count = (severity) => diagnostics.filter((diagnostic) => diagnostic.severity === severity).length;
  const [errors, warnings] = [count('error'), count('warning')];
  byId('tab-messages').replaceChildren('Messages',
    ...(errors ? [make('span', { className: 'count', ariaLabel: countText(errors, 'error') }, String(errors))] : []),
    ...(warnings ? [make('span', { className: 'count warn', ariaLabel: countText(warnings, 'warning') }, String(warnings))] : []));
  return { errors, warnings };
}
