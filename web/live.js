// The program that is compiled, linked and run on each keystroke.
'use strict';

const EXAMPLE = `# Edit anything.
main() = fib(20) + collatz(27, 0)

fib(n) = if n < 2 then n else fib(n - 1) + fib(n - 2)

# How many steps it takes from n to 1.
collatz(n, steps) =
  if n == 1 then steps
  else if n % 2 == 0 then collatz(n / 2, steps + 1)
  else collatz(3 * n + 1, steps + 1)
`;

// A program that runs longer is stopped.
const LONGEST = 2000;
const SHOWN = 60;

const live = { worker: new LinkWorker(), times: [], isBusy: false, isStale: false, isWarm: false };

async function updateLive() {
  if (live.isBusy) {
    live.isStale = true;
    return;
  }
  live.isBusy = true;
  live.isStale = false;
  let timer;
  try {
    await live.worker.load();
    timer = setTimeout(() => live.worker.stop(`stopped after ${LONGEST / 1000} seconds`), LONGEST);
    showLive(await live.worker.ask('live', { text: byId('source').value }));
  } catch (error) {
    if (error.message.startsWith('stopped after')) live.isWarm = false;
    byId('live-error').textContent = error.message;
    byId('live-error').hidden = false;
    byId('live-value').classList.add('stale');
  }
  clearTimeout(timer);
  live.isBusy = false;
  if (live.isStale) updateLive();
}

function showLive({ value, size, changed, count, compiling, linking, running: ran }) {
  byId('live-value').textContent = value.toLocaleString('en');
  byId('live-value').classList.remove('stale');
  byId('live-error').hidden = true;
  byId('live-compiled').textContent = `${changed} of ${countText(count, 'function')}, ${timeText(compiling)}`;
  byId('live-linked').textContent = timeText(linking);
  byId('live-ran').textContent = timeText(ran);
  byId('live-size').textContent = sizeText(size);
  // The first link makes the linker, and the engine compiles it meanwhile.
  if (live.isWarm) live.times.push(linking);
  live.isWarm = true;
  live.times.splice(0, live.times.length - SHOWN);
  if (live.times.length > 0) showChart();
}

function showChart() {
  const most = Math.max(...live.times);
  byId('live-chart').setAttribute('viewBox', `0 0 ${SHOWN} 100`);
  byId('live-chart').innerHTML = live.times.map((time, at) => {
    const height = Math.max(3, 92 * time / most);
    return `<rect x="${at + 0.12}" y="${100 - height}" width="0.76" height="${height}"></rect>`;
  }).join('');
  const sorted = [...live.times].sort((one, other) => one - other);
  byId('live-median').textContent = `Median of ${countText(sorted.length, 'link')}: ${timeText(sorted[sorted.length >> 1])}, longest: ${timeText(most)}`;
}

function setUpLive() {
  byId('source').value = EXAMPLE;
  byId('source').oninput = updateLive;
}
