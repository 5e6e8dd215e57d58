/** The front end of Chromium's own developer tools, as its debugging server hands it out: nothing is loaded from elsewhere. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type Browser, chromium, type Page } from 'playwright-core';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const START_LIMIT_MS = 30_000;

/** The browser that is installed here; null where none is. */
export const CHROMIUM = [process.env.EVDIAG_TEST_CHROMIUM, ...PLACES].find((path) => path && existsSync(path)) ?? null;

/** Opens the page of the developer tools for the time of `use`. */
export async function withDevTools(use: (page: Page) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'evdiag-chromium-'));
  const args = [
    '--headless=new',
    '--no-sandbox',
    '--disable-gpu',
    '--remote-debugging-port=0',
    `--user-data-dir=${folder}`,
  ];
  const child = spawn(CHROMIUM!, [...args, 'about:blank'], { stdio: ['ignore', 'ignore', 'pipe'] });
  let browser: Browser | undefined;
  try {
    const server = await debuggingServer(child);
    browser = await chromium.connectOverCDP(server);
    const page = await browser.contexts()[0]!.newPage();
    await page.setViewportSize({ width: 1400, height: 900 });
    await page.goto(`${server}/devtools/devtools_app.html`);
    await use(page);
  } finally {
    await browser?.close();
    const ended = new Promise((resolve) => child.once('exit', resolve));
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await ended;
    }
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

async function debuggingServer(child: ChildProcess): Promise<string> {
  let said = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  for (const until = Date.now() + START_LIMIT_MS; Date.now() < until; await pause(50)) {
    const host = /listening on ws:\/\/([^/]+)/.exec(said)?.[1];
    if (host) return `http://${host}`;
  }
  throw new Error(`Chromium did not start:\n${said}`);
}

/** Loads a heap snapshot in the panel "Memory" and opens it. */
export async function openSnapshot(page: Page, file: string): Promise<void> {
  await page.getByRole('tab', { name: 'Memory', exact: true }).click();
  await page.locator('input[type=file]').first().setInputFiles(file);
  // Its size comes once it has been understood.
  await page
    .getByRole('treeitem')
    .filter({ hasText: /\(\d.*B\)/ })
    .click();
}
