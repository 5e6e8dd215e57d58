/** A real browser. Debian: apt-get install chromium; elsewhere EVDIAG_CHROMIUM names it. */
import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';

const PLACES = [
  process.env.EVDIAG_CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];
const browserPath = PLACES.find((path) => path !== undefined && existsSync(path));

/** For `test.skipIf`; the gate of the project installs one. */
export const noBrowser = browserPath === undefined;
if (noBrowser) console.warn('No Chromium is found: tests in a browser are skipped. apt-get install chromium');

export interface Visit {
  page: Page;
  /** Errors, dialogs and requests to elsewhere: what a page of ours must not cause. */
  complaints: string[];
}

/** Far away: a browser takes its time on a busy machine. */
const PAGE_MS = 120_000;

/** Opens a page and closes the browser afterwards. */
export async function visit(url: string, body: (visit: Visit) => Promise<void>): Promise<void> {
  const browser: Browser = await chromium.launch({
    executablePath: browserPath!,
    args: ['--no-sandbox'],
    timeout: PAGE_MS,
  });
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 720 } });
    page.setDefaultTimeout(PAGE_MS);
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('dialog', (dialog) => {
      complaints.push(`dialog ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on('request', (request) => {
      if (/^(https?|wss?):/.test(request.url())) complaints.push(`request ${request.url()}`);
    });
    await page.goto(url);
    await body({ page, complaints });
  } finally {
    await browser.close();
  }
}
