/** Chrome DevTools' own front end, as it comes with the browser. */
import type { Page } from 'playwright-core';
import { visit } from './browser.ts';

const LEGACY = 'devtools://devtools/bundled/ui/legacy/legacy.js';
const APP = 'devtools://devtools/bundled/devtools_app.html';

/** Opens DevTools in the page, at one of its views: `timeline` (Performance), `heap-profiler` (Memory). */
export async function showDevtools(page: Page, view: string): Promise<void> {
  await page.goto(APP);
  // It starts its modules one after the other; the manager of its views comes late.
  for (;;) {
    const shown = await page.evaluate(
      `import(${JSON.stringify(LEGACY)}).then((ui) => ui.ViewManager.ViewManager.instance().showView(${JSON.stringify(view)})).then(() => true, () => false)`,
    );
    if (shown) return;
    await page.waitForTimeout(100);
  }
}

/** Gives the view a file. */
export async function loadFile(page: Page, file: string): Promise<void> {
  const input = page.locator('input[type=file]').first();
  await input.waitFor({ state: 'attached' });
  await input.setInputFiles(file);
}

/** Loads a file in the panel Memory and opens it once the panel has understood it; `body` gets the page. */
export async function inMemoryPanel(file: string, body: (page: Page) => Promise<void>): Promise<void> {
  await visit('about:blank', async ({ page }) => {
    await page.setViewportSize({ width: 1400, height: 900 });
    await showDevtools(page, 'heap-profiler');
    await loadFile(page, file);
    // Snapshots have their size then, profiles say where they are from.
    const entry = page.getByRole('treeitem').filter({ hasText: /\(\d.*B\)|Loaded/ });
    await entry.first().click();
    await body(page);
  });
}
