/** Chrome DevTools' own front end in a real browser. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Page } from 'playwright-core';
import { browserPath } from './browser.ts';

/** Loads a file into the Memory panel and opens it; `body` gets the page. */
export async function inMemoryPanel(file: string, body: (page: Page) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'evdiag-devtools-'));
  // The browser serves its front end on its debugging port.
  const args = ['--no-sandbox', '--remote-debugging-port=0'];
  const context = await chromium.launchPersistentContext(folder, { executablePath: browserPath!, args });
  try {
    const [port] = readFileSync(join(folder, 'DevToolsActivePort'), 'utf8').split('\n');
    const page = await context.newPage();
    await page.goto(`http://127.0.0.1:${port}/devtools/devtools_app.html?panel=heap-profiler`);
    const [chooser] = await Promise.all([
      page.waitForEvent('filechooser'),
      page
        .getByRole('button', { name: /load profile/i })
        .first()
        .click(),
    ]);
    await chooser.setFiles(file);
    await page
      .getByRole('treeitem', { name: /Loaded/ })
      .first()
      .click();
    await body(page);
  } finally {
    await context.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}
