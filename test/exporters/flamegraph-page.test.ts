import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { type FlameNode, flamegraphPage } from '../../src/exporters/flamegraph-page.ts';
import { noBrowser, type Visit, visit } from '../support/browser.ts';
import { ROOT } from '../support/run-agent.ts';

const viewer = readFileSync(join(ROOT, 'dist/flamegraph-viewer.js'), 'utf8');
const EVIL = '</script><img src=x onerror=alert(1)>';

function node(name: string, top: number, fields: Partial<FlameNode> = {}): FlameNode {
  const children = fields.children ?? [];
  const value = top + children.reduce((sum, child) => sum + child.value, 0);
  return { name, function: name, file: '/app/server.ts', line: 12, type: 'app', top, ...fields, value, children };
}

const tree = node('all stacks', 0, {
  file: '',
  children: [
    node('handler server.ts:12', 100, {
      children: [node('render view.ts:3', 300), node('parse', 100, { type: 'v8' })],
    }),
    node(EVIL, 300, { function: `${EVIL}\u001b[31m`, file: `/app/${EVIL}.js` }),
    node('x'.repeat(10_000), 200, { type: 'deps' }),
  ],
});

/** Opens the page from its file, without a server. */
async function opened(body: (visit: Visit) => Promise<void>, of: FlameNode = tree): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'evdiag-page-'));
  try {
    const file = join(folder, 'flame.html');
    writeFileSync(file, flamegraphPage({ tree: of, title: `app ${EVIL}`, unit: 'ms', facts: '1000 samples', viewer }));
    await visit(pathToFileURL(file).href, async (its) => {
      await its.page.waitForSelector('canvas');
      await body(its);
      expect(its.complaints).toEqual([]);
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The colour of a frame below its text: the row is counted from the bottom, the place across is a share of the width. */
const colorAt = ({ page }: Visit, row: number, share: number): Promise<number[]> =>
  page.evaluate(`{
    const drawn = document.querySelector('canvas');
    const copy = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const y = drawn.height - ${Math.round(18 * (row + 0.15))};
    copy.drawImage(drawn, Math.round(drawn.width * ${share}), y, 1, 1, 0, 0, 1, 1);
    [...copy.getImageData(0, 0, 1, 1).data].slice(0, 3);
  }`);

/** Where a frame is drawn, in the page. */
async function pointOf({ page }: Visit, row: number, share: number): Promise<[number, number]> {
  const box = (await page.locator('canvas').boundingBox())!;
  return [box.x + box.width * share, box.y + box.height - 18 * (row + 0.5)];
}

describe.skipIf(noBrowser)('in a browser, from a file', () => {
  test('shows title, facts and categories, and runs nothing of its data', () =>
    opened(async ({ page }) => {
      expect(await page.locator('#title').textContent()).toContain(EVIL);
      expect(await page.locator('#facts').textContent()).toBe('1000 samples');
      expect(await page.locator('.evdiag-category').allTextContents()).toEqual([
        'application',
        'dependencies',
        'Node',
        'V8 and native',
        'collector',
      ]);
      expect(await page.locator('img').count()).toBe(0);
    }));

  test('a frame tells where it is and what it weighs, whatever its name', () =>
    opened(async (its) => {
      // Siblings are sorted by name: the evil one comes first.
      await its.page.mouse.move(...(await pointOf(its, 1, 0.1)));
      const tooltip = its.page.locator('.d3-flame-graph-tooltip');
      await tooltip.waitFor({ state: 'visible' });
      expect(await tooltip.textContent()).toContain(EVIL);
      expect(await tooltip.textContent()).toContain('self 300.0 ms (30.0 %) · total 300.0 ms (30.0 %)');
      expect(await tooltip.textContent()).not.toContain('\u001b');
      expect(await tooltip.locator('a').getAttribute('href')).toMatch(/^vscode:\/\/file\/app\//);
    }));

  test('a click zooms in, the root zooms out', () =>
    opened(async (its) => {
      const before = await colorAt(its, 1, 0.9);
      await its.page.mouse.click(...(await pointOf(its, 1, 0.1)));
      await expect.poll(() => colorAt(its, 1, 0.9)).not.toEqual(before);
      await its.page.mouse.click(...(await pointOf(its, 0, 0.5)));
      await expect.poll(() => colorAt(its, 1, 0.9)).toEqual(before);
    }));

  test('search marks what it finds', () =>
    opened(async (its) => {
      await its.page.locator('input[type=search]').pressSequentially('render');
      // Cyan, over the second of the two calls of the handler.
      await expect.poll(() => colorAt(its, 2, 0.55)).toEqual([0, 255, 255]);
    }));

  test('a category that is switched off goes', () =>
    opened(async (its) => {
      const before = await colorAt(its, 1, 0.9);
      await its.page.locator('.evdiag-category', { hasText: 'dependencies' }).click();
      await expect.poll(() => colorAt(its, 1, 0.9)).not.toEqual(before);
    }));

  test('a stack of 5000 frames', () => {
    let deep = node('leaf', 1);
    for (let i = 0; i < 5000; i++) deep = node(`f${i}`, 0, { children: [deep] });
    return opened(async ({ page }) => {
      expect(await page.locator('canvas').count()).toBe(1);
    }, deep);
  });
});

test('a page has no text of its data outside of the data, and names are cut', () => {
  const html = flamegraphPage({ tree, title: EVIL, unit: 'ms', facts: EVIL, viewer: 'x("</script>")' });
  expect(html.match(/<\/script>/g)).toHaveLength(2);
  expect(html).not.toContain('<img');
  expect(html).not.toContain('x'.repeat(400));
});
