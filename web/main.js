// The page: links what is chosen, and shows what came of it.
'use strict';

// The arguments with which `cargo xtask demo` runs the demo.
const DEMO_ARGUMENTS = "linking.txt module.txt -- stats -- top 6 -- long 3 -- find 'archive and (order or members)' -- find 'relocations not list' -- heap";

const linker = new LinkWorker();
const state = { result: undefined, turn: 0, isBusy: false, shown: {} };

function setStatus(name, title, detail) {
  byId('status').dataset.state = name;
  byId('result-title').textContent = title;
  byId('result-detail').textContent = detail;
}

function setBusy(isBusy) {
  state.isBusy = isBusy;
  byId('link').disabled = isBusy || inputs.list.length === 0;
  byId('cancel').hidden = !isBusy;
  byId('progress').hidden = !isBusy;
}

function showProgress({ read, count }) {
  byId('progress').firstElementChild.style.width = `${90 * read / count}%`;
  byId('result-detail').textContent = read < count ? `Reading ${read} of ${countText(count, 'file')}` : `Linking ${countText(count, 'file')}`;
}

async function link() {
  if (inputs.list.length === 0) return;
  if (state.isBusy) cancel();
  const turn = ++state.turn;
  setBusy(true);
  byId('download').hidden = true;
  showProgress({ read: 0, count: inputs.list.length });
  setStatus('busy', 'Linking', byId('result-detail').textContent);
  const job = { inputs: inputs.list.map(({ name, file, role }) => ({ name, file, role })), args: ['-o', outputName(), ...optionArguments()] };
  try {
    const result = await linker.ask('link', job, (progress) => { if (turn === state.turn) showProgress(progress); });
    if (turn === state.turn) showResult(result);
  } catch (error) {
    if (turn === state.turn) {
      state.result = undefined;
      nothing(byId('panel-messages'), 'Nothing was linked.');
      setStatus('failed', error.message === 'cancelled' ? 'Cancelled' : 'The linker stopped', error.message === 'cancelled' ? '' : error.message);
    }
  }
  if (turn === state.turn) setBusy(false);
}

function cancel() {
  linker.stop();
  // Starts the next worker now. If it fails, the next link says so.
  linker.load().catch(() => {});
}

function showResult(result) {
  state.result = result;
  state.shown = {};
  endRun('');
  byId('run-output').replaceChildren();
  byId('panel-report').replaceChildren();
  byId('map-text').textContent = '';
  const { errors, warnings } = showMessages(result, (changed) => { setOptions(changed); link(); });
  const { output, exitCode, took, reading } = result;
  const said = [errors && countText(errors, 'error'), warnings && countText(warnings, 'warning')].filter(Boolean).join(', ');
  if (exitCode !== 0) {
    setStatus('failed', said || 'Failed', `after ${timeText(took)}`);
    resultTabs.select('tab-messages');
  } else {
    const name = outputName();
    setStatus('ok', output ? `${name}, ${sizeText(output.size)}` : 'Linked', `${countText(inputs.list.length, 'file')} linked in ${timeText(took)}, read in ${timeText(reading)}${said ? `; ${said}` : ''}`);
  }
  byId('download').hidden = !output;
  showFunctions(output ? output.functions : []);
  if (output) performance.mark('linked');
  showTab(resultTabs.selected());
}

// The file name of the output.
function outputName() {
  const list = optionArguments();
  const at = list.lastIndexOf('-o');
  const path = (at >= 0 && list[at + 1]) || list.findLast((argument) => argument.startsWith('--output='))?.slice(9) || (inputs.isDemo ? 'demo.wasm' : 'a.out.wasm');
  return path.split('/').at(-1);
}

function nothing(panel, text) {
  panel.replaceChildren(make('p', { className: 'empty' }, text));
}

// Fills the tab that is looked at.
async function showTab(id) {
  const { result } = state;
  if (id === 'tab-messages' || id === 'tab-run' || !result || state.shown[id]) return;
  state.shown[id] = true;
  const panel = byId(id === 'tab-report' ? 'panel-report' : 'panel-map');
  if (!result.output) {
    if (id === 'tab-report') nothing(panel, 'There is a report when the link succeeds.');
    else byId('map-text').textContent = 'There is a map when the link succeeds.';
    return;
  }
  if (id === 'tab-report') nothing(panel, 'Making the report…');
  else byId('map-text').textContent = 'Making the map…';
  try {
    const text = await linker.ask('extra', { kind: id === 'tab-report' ? 'report' : 'map' });
    if (state.result !== result) return;
    if (id === 'tab-report') panel.replaceChildren(make('iframe', { title: 'Size report', sandbox: 'allow-scripts', srcdoc: text }));
    else showMap(text);
  } catch (error) {
    state.shown[id] = false;
    if (id === 'tab-report') nothing(panel, error.message);
    else byId('map-text').textContent = error.message;
  }
}

// More text than this would make the page slow.
const MOST_MAP = 300_000;

function showMap(text) {
  state.map = text.split('\n');
  filterMap();
}

function filterMap() {
  if (!state.map) return;
  const wanted = byId('map-filter').value.toLowerCase();
  const lines = wanted ? state.map.filter((line, at) => at === 0 || line.toLowerCase().includes(wanted)) : state.map;
  const text = lines.join('\n');
  byId('map-text').textContent = text.length > MOST_MAP ? `${text.slice(0, MOST_MAP)}\n… ${sizeText(text.length - MOST_MAP)} more` : text;
}

function download() {
  const { output } = state.result ?? {};
  if (!output) return;
  const address = URL.createObjectURL(output.blob);
  make('a', { href: address, download: outputName() }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

// A link to this page with the options, and with the demo if that is linked.
function pageAddress() {
  const parts = [inputs.isDemo && 'demo', byId('options').value.trim() && `args=${encodeURIComponent(byId('options').value.trim())}`];
  return `${location.href.replace(/#.*/, '')}#${parts.filter(Boolean).join('&')}`;
}

async function share() {
  const address = pageAddress();
  history.replaceState(null, '', address);
  let text = 'Copied';
  try {
    await navigator.clipboard.writeText(address);
  } catch {
    text = 'It is in the address bar';
  }
  const button = byId('share');
  const label = 'Copy link to this page';
  button.textContent = text;
  announce(text);
  setTimeout(() => { button.textContent = label; }, 2000);
}

function readAddress() {
  const parts = location.hash.slice(1).split('&');
  const value = (name) => parts.find((part) => part.startsWith(`${name}=`))?.slice(name.length + 1);
  const args = value('args');
  if (args !== undefined) {
    try { byId('options').value = decodeURIComponent(args); } catch { byId('options').value = args; }
  }
  if (parts.includes('live')) views.select('view-live');
  return parts.includes('demo') ? useDemo() : undefined;
}

function setUpTheme() {
  byId('theme').onclick = () => {
    const isDark = document.documentElement.dataset.theme === 'dark'
      || !document.documentElement.dataset.theme && matchMedia('(prefers-color-scheme: dark)').matches;
    document.documentElement.dataset.theme = isDark ? 'light' : 'dark';
  };
}

const views = tabs(document.querySelector('.views'), (id) => { if (id === 'view-live' && !live.isWarm) updateLive(); });
const resultTabs = tabs(document.querySelector('.tabs'), (id) => showTab(id));

function setUp() {
  setUpTheme();
  setUpInputs();
  setUpOptions(link);
  setUpRun(() => state.result?.output);
  setUpLive();
  byId('link').onclick = link;
  byId('cancel').onclick = cancel;
  byId('download').onclick = download;
  byId('share').onclick = share;
  byId('map-filter').oninput = filterMap;
  inputs.onChange = () => {
    byId('run-args').value = inputs.isDemo ? DEMO_ARGUMENTS : byId('run-args').value === DEMO_ARGUMENTS ? '' : byId('run-args').value;
    // A changed list of small files is linked at once.
    if (inputs.list.length > 0) link();
  };
  nothing(byId('panel-messages'), 'Drop objects, or use the demo: a search engine for text files in C, from eight objects and an archive.');
  linker.load().then(() => {
    if (!state.isBusy && !state.result) setStatus('idle', 'Nothing linked yet', 'The linker is ready.');
    // The first link comes first.
    setTimeout(async () => setOptionTable(await linker.ask('options')), 300);
  }).catch((error) => setStatus('failed', 'The linker cannot be loaded', error.message));
  readAddress();
}

setUp();
