// Runs the linked module in a worker, so that it can be stopped.
'use strict';

// More output than this ends the program.
const MOST_OUTPUT = 4 << 20;

const running = { worker: undefined, size: 0 };

function setRunning(worker) {
  running.worker = worker;
  byId('run').disabled = worker !== undefined;
  byId('stop').disabled = worker === undefined;
}

function endRun(text) {
  running.worker?.terminate();
  setRunning(undefined);
  byId('run-status').textContent = text;
}

function addOutput(parts) {
  const output = byId('run-output');
  const isAtEnd = output.scrollTop + output.clientHeight >= output.scrollHeight - 8;
  for (const { fd, bytes } of parts) {
    running.size += bytes.length;
    running.decoders[fd] ??= new TextDecoder();
    const text = running.decoders[fd].decode(bytes, { stream: true });
    const last = output.lastChild;
    if (last && last.fd === fd) last.append(text);
    else {
      const span = make('span', { className: fd === 2 ? 'err' : 'out' }, text);
      span.fd = fd;
      output.append(span);
    }
  }
  if (isAtEnd) output.scrollTop = output.scrollHeight;
  if (running.size > MOST_OUTPUT) endRun(`Stopped after ${sizeText(MOST_OUTPUT)} of output.`);
}

function endText({ code, value, error, took }) {
  if (error !== undefined) return `Failed after ${timeText(took)}.`;
  return value === undefined ? `Exit code ${code}, ${timeText(took)}.` : `Returned ${value}, ${timeText(took)}.`;
}

function runModule(blob) {
  endRun('');
  const worker = startWorker('runner');
  running.size = 0;
  running.decoders = {};
  byId('run-output').replaceChildren();
  byId('run-status').textContent = 'Running…';
  setRunning(worker);
  worker.onmessage = ({ data: { output, ended } }) => {
    if (worker !== running.worker) return;
    if (output) addOutput(output);
    if (!ended) return;
    if (ended.error !== undefined) addOutput([{ fd: 2, bytes: new TextEncoder().encode(`${ended.trace ?? ended.error}\n`) }]);
    endRun(endText(ended));
  };
  worker.onerror = (event) => endRun(event.message);
  const name = byId('run-export').value;
  const list = splitArguments(byId('run-args').value);
  const files = Object.fromEntries(Object.entries(PARTS.demoFiles).map(([path, text]) => [path, fromBase64(text)]));
  worker.postMessage({ blob, args: name === '_start' ? ['program', ...list] : list, stdin: byId('run-stdin').value, files, name });
}

// The functions that can be called.
function showFunctions(names) {
  byId('run-export').replaceChildren(...names.map((name) => make('option', {}, name)));
  byId('run').disabled = names.length === 0;
  byId('run-status').textContent = '';
}

function setUpRun(output) {
  byId('run').onclick = () => { if (output()) runModule(output().blob); };
  byId('stop').onclick = () => { endRun('Stopped.'); byId('run').focus(); };
  byId('run-args').onkeydown = (event) => { if (event.key === 'Enter' && !byId('run').disabled) byId('run').click(); };
  byId('run').disabled = true;
}
