// Opens a report in headless Chromium and uses it: node page.mjs PLAYWRIGHT CHROMIUM PAGE OLDER-JSON FOLDER.
// Says what is wrong, and ends with 1. Pictures go to the folder.
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';

const [playwright, executablePath, page, older, folder] = process.argv.slice(2);
const { chromium } = (await import(pathToFileURL(join(playwright, 'index.js')))).default;
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
const problems = [];
const check = (what, is) => { if (!is) problems.push(what); };

async function open(options) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const tab = await context.newPage();
  tab.on('console', (message) => { if (['error', 'warning'].includes(message.type())) problems.push(`console: ${message.text()}`); });
  tab.on('pageerror', (error) => problems.push(`error: ${error.stack}`));
  tab.on('request', (request) => { if (!request.url().startsWith('file:')) problems.push(`request: ${request.url()}`); });
  await tab.goto(pathToFileURL(page).href);
  return tab;
}

// How many different colors are on the canvas.
const colors = (tab) => tab.evaluate(() => {
  const canvas = document.querySelector('canvas');
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const seen = new Set();
  for (let at = 0; at < data.length; at += 4 * 97) seen.add(data.slice(at, at + 3).join());
  return seen.size;
});
const background = (tab) => tab.evaluate(() => getComputedStyle(document.body).backgroundColor);
const settle = (tab) => tab.waitForTimeout(250);
const firstRow = (tab) => tab.locator('.tr').first().innerText();
const openTab = async (tab, name) => { await tab.getByRole('tab', { name: new RegExp(`^${name}`) }).click(); await settle(tab); };
const overflow = (tab) => tab.evaluate(() => document.documentElement.scrollWidth - innerWidth);

// It draws, and opens what is clicked.
let tab = await open({ colorScheme: 'light' });
await settle(tab);
check('the map has colors', await colors(tab) > 4);
await tab.screenshot({ path: join(folder, 'map.png') });
const crumbs = () => tab.locator('.crumbs button').count();
check('it begins at the top', await crumbs() === 1);
const canvas = tab.locator('canvas');
await canvas.focus();
await canvas.press('ArrowRight');
await canvas.press('Enter');
check('Enter opens', await crumbs() >= 2);
await canvas.press('Backspace');
check('Backspace goes up', await crumbs() === 1);
const box = await canvas.boundingBox();
await tab.mouse.move(box.x + 60, box.y + 80);
check('a tip is shown', await tab.locator('#tip').isVisible());
await tab.mouse.click(box.x + 60, box.y + 80);
await settle(tab);
check('a click opens or selects', await crumbs() >= 2 || await tab.locator('#detail').isVisible());
for (const grouping of ['Sections', 'Namespaces', 'Files']) {
  await tab.getByRole('button', { name: grouping, exact: true }).click();
  await settle(tab);
  check(`grouped by ${grouping}`, await colors(tab) > 4);
}

// Tables sort and search.
await openTab(tab, 'Symbols');
const sizes = () => tab.evaluate(() => { app.content.rows.length; return app.content.rows.map((row) => row.size); });
const isSorted = (list, sign) => list.every((size, at) => at === 0 || sign * (list[at - 1] - size) >= 0);
check('largest first', isSorted(await sizes(), 1));
await tab.locator('.thead button', { hasText: 'Size' }).click();
check('smallest first', isSorted(await sizes(), -1));
await tab.locator('.thead button', { hasText: 'Size' }).click();
const all = (await sizes()).length;
check('only visible rows exist', await tab.locator('.tr').count() < 60);
await tab.keyboard.press('/');
await tab.keyboard.type('start');
await settle(tab);
const found = await sizes();
check('a search finds some', found.length > 0 && found.length < all);
check('what was found is marked', await tab.locator('mark').count() > 0);
await tab.locator('#search').press('ArrowDown');
await tab.keyboard.press('ArrowDown');
check('the details are shown', await tab.locator('#detail').isVisible());
check('with a reason', /Why it is here/.test(await tab.locator('#detail').innerText()) && await tab.locator('.chain li').count() > 0);
await tab.screenshot({ path: join(folder, 'symbols.png') });
await tab.locator('#search').fill('');
await settle(tab);
await tab.getByRole('button', { name: 'Close the details' }).click();
check('the details close', !await tab.locator('#detail').isVisible());
for (const name of ['Files', 'Generics', 'Strings', 'Duplicates', 'Discarded']) {
  await openTab(tab, name);
  check(`${name} is open`, await tab.locator('.table').count() === 1);
  if (await tab.locator('.tr').count()) {
    await tab.locator('.tr').first().click();
    check(`${name} has details`, await tab.locator('#detail').isVisible() && (await firstRow(tab)).length > 3);
  }
  await tab.screenshot({ path: join(folder, `${name.toLowerCase()}.png`) });
}

// Changes since an older report.
await tab.locator('#file').setInputFiles(older);
await settle(tab);
check('changes are shown', /added/.test(await tab.locator('.note').innerText()) && await tab.locator('.tr').count() > 0);
await tab.screenshot({ path: join(folder, 'changes.png') });
await tab.locator('#file').setInputFiles(page);
await settle(tab);
check('another file is refused', /not JSON/.test(await tab.locator('.empty').innerText()));

// Light and dark.
const light = await background(tab);
await tab.locator('#theme').click();
check('the switch makes it dark', await background(tab) !== light);
await tab.context().close();
tab = await open({ colorScheme: 'dark' });
await settle(tab);
check('dark if the system is', await background(tab) !== light);
await tab.screenshot({ path: join(folder, 'dark.png') });
await tab.locator('#theme').click();
check('the switch makes it light', await background(tab) === light);
await tab.context().close();

// A phone.
tab = await open({ viewport: { width: 375, height: 740 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true });
await settle(tab);
check('the map is not wider than a phone', await overflow(tab) <= 0);
check('the map has room', (await tab.locator('canvas').boundingBox()).height > 200);
await tab.screenshot({ path: join(folder, 'phone-map.png') });
await openTab(tab, 'Symbols');
check('tables are not wider than a phone', await overflow(tab) <= 0);
await tab.screenshot({ path: join(folder, 'phone-symbols.png') });
await tab.locator('.tr').nth(1).tap();
await settle(tab);
check('details fit a phone', await tab.locator('#detail').isVisible() && await overflow(tab) <= 0);
await tab.screenshot({ path: join(folder, 'phone-details.png') });
await browser.close();

problems.forEach((problem) => console.log(problem));
process.exit(problems.length ? 1 : 0);
