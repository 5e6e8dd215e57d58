/** Chrome DevTools' own front end, as it comes with the browser. */
import type { Page } from 'playwright-core';

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

/** Gives the view a file, and takes its greeting away. */
export async function loadFile(page: Page, file: string): Promise<void> {
  const input = page.locator('input[type=file]').first();
  await input.waitFor({ state: 'attached' });
  await input.setInputFiles(file);
}
