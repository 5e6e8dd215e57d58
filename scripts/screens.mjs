// Draws the screens of the terminal UI for README and docs, into docs/screens/: npm run screens [-- NAME…]
import { execFile, execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { spawn } from '@lydell/node-pty';
import headless from '@xterm/headless';
import { chromium } from 'playwright-core';

/** @typedef {import('@xterm/headless').Terminal} Terminal */
/** @typedef {[text: string | RegExp, keys?: string]} Step What is waited for, and then typed. */

process.chdir(new URL('..', import.meta.url).pathname);
const BIN = join(process.cwd(), 'bin/evdiag.mjs');
const OUT = join(process.cwd(), 'docs/screens');
const CELL = { width: 8.4, height: 18 };
const NEVER_MS = 240_000;
/** Only these; all if none is named. */
const WANTED = process.argv.slice(2);
/** @param {string[]} names */
const isWanted = (...names) => WANTED.length === 0 || names.some((name) => WANTED.includes(name));
const FOREGROUND = '#d4d4d4';
const BACKGROUND = '#1e1e1e';
/**
 * Of xterm's 256 colours, those that the palette uses.
 *
 * @type {Record<number, string>}
 */
const COLOURS = { 74: '#5fafd7', 110: '#87afd7', 202: '#ff5f00', 214: '#ffaf00', 245: '#8a8a8a' };

const SHOP = `import { createServer } from 'node:http';
import { gzipSync } from 'node:zlib';

const products = Array.from({ length: 3000 }, (_, id) => ({ id, name: 'product ' + id, price: (id * 37) % 101 }));

function search(word) {
  return products.filter(({ name }) => name.includes(word));
}

function sortByPrice(found) {
  return found.toSorted((a, b) => a.price - b.price);
}

function render(found) {
  let html = '<ul>';
  for (const { name, price } of found) {
    html += '<li>' + name + ': ' + price.toFixed(2) + '</li>';
  }
  return html + '</ul>';
}

function listProducts(request, response) {
  response.end(gzipSync(render(sortByPrice(search('1'))), { level: 1 }));
}

const server = createServer(listProducts).listen(0, async () => {
  const url = 'http://localhost:' + server.address().port;
  for (let n = 1; ; n++) {
    await (await fetch(url)).arrayBuffer();
    if (n % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 200));
  }
});
`;
const folder = mkdtempSync(join(tmpdir(), 'evdiag-screens-'));
mkdirSync('docs/screens', { recursive: true });
try {
  execFileSync(process.execPath, ['bin/evdiag.mjs', 'scenario', 'leaked-tasks', '--out', folder], { stdio: 'ignore' });
  execFileSync(process.execPath, ['bin/evdiag.mjs', 'scenario', 'regex-backtracking', '--out', join(folder, 'regex')], {
    stdio: 'ignore',
  });
  const replay = ['replay', join(folder, 'broken')];
  await draw('overview', replay, 110, 34, [[/━·?[!✗]/]]);
  await draw('stalls', ['replay', join(folder, 'regex', 'broken')], 110, 30, [
    [/━·?[!✗]/, '2'],
    ['longest', '\r'],
    ['Stack for'],
  ]);
  await draw('async', replay, 110, 24, [[/━·?[!✗]/, '4'], ['pending▼', '\r'], ['Await tree']]);
  const theatre = ['replay', '--scenario', 'blocking-sleep'];
  await draw('theatre', theatre, 180, 36, [[/FIXED +three calls/, '8'], ['✓ Fixed: nothing']]);
  if (isWanted('profile', 'profile-function', 'flame', 'flamegraph')) await drawProfiles();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** For a small server under load: the view Profile, the flamegraph as a picture, and as a page in a browser. */
async function drawProfiles() {
  mkdirSync(join(folder, 'shop'));
  writeFileSync(join(folder, 'shop/server.mjs'), SHOP);
  // Installed as usual, so that the agent's own functions count as a dependency's.
  cpSync('dist', join(folder, 'node_modules/evdiag/dist'), { recursive: true });
  const env = { ...process.env, EVDIAG_QUIET: '1', NODE_OPTIONS: '--require ./node_modules/evdiag/dist/agent.cjs' };
  const child = execFile(process.execPath, ['shop/server.mjs'], { env, cwd: folder });
  try {
    await setTimeout(2500);
    const profile = join(folder, 'shop.cpuprofile');
    /** @param {string[]} args */
    const evdiag = (...args) => execFileSync(process.execPath, [BIN, ...args], { stdio: 'ignore', cwd: folder });
    evdiag('profile', String(child.pid), '-d', '4', '-o', profile);
    /** @type {Step[]} */
    const taken = [
      ['● live', 'f'],
      [/● profile, [4-9](\.\d+)? s: f ends it/, 'f'],
    ];
    const top = ['top', String(child.pid)];
    await draw('profile', top, 120, 24, [...taken, ['self %▼', '']], folder);
    /** @type {Step[]} */
    const render = [
      ['self %▼', '/render\r'],
      ['filter "render"', '\r'],
      ['Heaviest path', ''],
    ];
    await draw('profile-function', top, 120, 30, [...taken, ...render], folder);
    evdiag('flame', profile, '-o', join(OUT, 'flame.svg'), '--focus', 'listProducts');
    const page = join(folder, 'flame.html');
    evdiag('flame', profile, '-o', page, '--focus', 'parserOnIncoming');
    await photograph('flamegraph', page);
  } finally {
    child.kill('SIGKILL');
  }
}

/**
 * A page in a browser, light and dark.
 *
 * @param {string} name
 * @param {string} page
 */
async function photograph(name, page) {
  const places = [
    process.env.EVDIAG_CHROMIUM,
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome',
  ];
  const executablePath = places.find((path) => path !== undefined && existsSync(path));
  if (!executablePath) throw new Error('No Chromium is found: apt-get install chromium, or name it in EVDIAG_CHROMIUM');
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  try {
    for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
      const tab = await browser.newPage({ viewport: { width: 1120, height: 400 }, colorScheme });
      await tab.goto(`file://${page}`);
      await tab.waitForSelector('canvas');
      await setTimeout(500);
      const path = `docs/screens/${name}-${colorScheme}.png`;
      await tab.screenshot({ path, fullPage: true });
      console.log(path, statSync(path).size);
    }
  } finally {
    await browser.close();
  }
}

/**
 * Waits for each text and types the keys after it; draws the final screen.
 *
 * @param {string} name
 * @param {string[]} args
 * @param {number} columns
 * @param {number} rows
 * @param {Step[]} steps
 */
async function draw(name, args, columns, rows, steps, cwd = process.cwd()) {
  if (!isWanted(name)) return;
  const terminal = new headless.Terminal({ cols: columns, rows, allowProposedApi: true });
  const env = { ...process.env, LC_ALL: 'C.UTF-8', TMPDIR: folder };
  const pty = spawn(process.execPath, [BIN, ...args], {
    name: 'xterm-256color',
    cols: columns,
    rows,
    env,
    cwd,
  });
  try {
    pty.onData((data) => terminal.write(data));
    for (const [text, keys = ''] of steps) {
      await until(terminal, text);
      pty.write(keys);
    }
    await setTimeout(500);
    writeFileSync(`docs/screens/${name}.svg`, svg(`evdiag ${name}`, terminal, columns, rows));
    console.log(`docs/screens/${name}.svg`);
  } finally {
    const ended = new Promise((resolve) => pty.onExit(resolve));
    pty.write('q');
    await ended;
  }
}

/**
 * @param {Terminal} terminal
 * @param {string | RegExp} text
 */
async function until(terminal, text) {
  const giveUpAt = performance.now() + NEVER_MS;
  for (;;) {
    const { active } = terminal.buffer;
    const shown = Array.from({ length: terminal.rows }, (_, y) => active.getLine(y)?.translateToString() ?? '').join(
      '\n',
    );
    if (typeof text === 'string' ? shown.includes(text) : text.test(shown)) return;
    if (performance.now() > giveUpAt) throw new Error(`never came: ${text}\n${shown}`);
    await setTimeout(50);
  }
}

/**
 * @param {string} title
 * @param {Terminal} terminal
 * @param {number} columns
 * @param {number} rows
 */
function svg(title, terminal, columns, rows) {
  const width = Math.ceil(columns * CELL.width) + 16;
  const height = rows * CELL.height + 16;
  const parts = Array.from({ length: rows }, (_, y) => runsOf(terminal.buffer.active.getLine(y), columns))
    .flatMap((runs, y) => runs.map((run) => ({ ...run, y })))
    .map(({ text, x, y, color, bold, inverse }) => {
      const [left, top] = [8 + x * CELL.width, 8 + y * CELL.height];
      const length = (text.length * CELL.width).toFixed(1);
      const fill = inverse ? BACKGROUND : color;
      const box = inverse
        ? `<rect x="${left}" y="${top}" width="${length}" height="${CELL.height}" fill="${color}"/>`
        : '';
      const weight = bold ? ' font-weight="bold"' : '';
      return `${box}<text x="${left.toFixed(1)}" y="${top + 13.5}" fill="${fill}"${weight} textLength="${length}" xml:space="preserve">${escaped(text)}</text>`;
    });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="14">
<title>${title}</title>
<rect width="100%" height="100%" rx="6" fill="${BACKGROUND}"/>
${parts.join('\n')}
</svg>
`;
}

/**
 * Pieces of a line that look the same, without empty ones.
 *
 * @param {import('@xterm/headless').IBufferLine | undefined} line
 * @param {number} columns
 */
function runsOf(line, columns) {
  /** @type {{ color: string, bold: boolean, inverse: boolean, x: number, text: string }[]} */
  const runs = [];
  for (let x = 0; x < columns; x++) {
    const cell = line?.getCell(x);
    if (!cell) continue;
    const text = cell.getChars() || ' ';
    const look = {
      color: cell.isFgPalette() ? (COLOURS[cell.getFgColor()] ?? FOREGROUND) : FOREGROUND,
      bold: cell.isBold() !== 0,
      inverse: cell.isInverse() !== 0,
    };
    const last = runs.at(-1);
    if (last && last.color === look.color && last.bold === look.bold && last.inverse === look.inverse)
      last.text += text;
    else runs.push({ ...look, x, text });
  }
  return runs.filter(({ text, inverse }) => inverse || text.trim() !== '');
}

/** @param {string} text */
function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
