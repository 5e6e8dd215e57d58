import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { leadsToOthers } from '../../agents/watchdog/platform/answers.ts';
import { createMounts } from '../../agents/watchdog/platform/mounts.ts';

const LIST = `
22 1 0:20 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
23 22 0:21 / /tmp rw - tmpfs tmpfs rw
24 22 0:22 / /mnt/my\\040data rw,relatime shared:2 master:1 - nfs4 server:/data rw,vers=4.2
25 24 0:23 / /mnt/my\\040data/cache rw - xfs /dev/sdb rw
26 22 0:24 / /app rw - ext4 /dev/sdc rw
27 26 0:25 / /app rw - fuse.sshfs host: rw
28 22 0:26 / /auto rw - autofs systemd-1 rw
`;

test.each([
  ['/app.js', false],
  ['/tmp/evdiag-0/1.sock', false],
  ['/mnt/my data', true],
  ['/mnt/my data/app.js', true],
  ['/mnt/my data 2/app.js', false],
  ['/mnt/my data/cache/app.js', false],
  ['/app/index.js', true],
  ['/auto/home/app.js', true],
])('%s is on storage of a network or of a program: %s', (path, isOfOthers) => {
  expect(createMounts(() => LIST).isOfOthers(path)).toBe(isOfOthers);
});

test('where there is no list, nothing is said of a path', () => {
  expect(createMounts(() => '').isOfOthers('/app/index.js')).toBe(false);
});

test('the list is read anew after a while: mounts come and go', () => {
  let list = '';
  let now = 0;
  const mounts = createMounts(
    () => list,
    () => now,
  );
  expect(mounts.isOfOthers('/app/index.js')).toBe(false);
  list = LIST;
  expect(mounts.isOfOthers('/app/index.js')).toBe(false);
  now = 60_000;
  expect(mounts.isOfOthers('/app/index.js')).toBe(true);
});

test('where a path leads is known without touching what is there: by links of it and of its folders', () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'evdiag-links-')));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, 'real'));
  symlinkSync('/mnt/my data', join(folder, 'real', 'there'));
  symlinkSync('real', join(folder, 'link'));
  symlinkSync('loop', join(folder, 'loop'));
  const { isOfOthers } = createMounts(() => LIST);
  const leads = (path: string): boolean => leadsToOthers(join(folder, path), isOfOthers);
  expect(['real/there', 'link/there/out', 'link/../link/there'].map(leads)).toEqual([true, true, true]);
  expect(['real', 'link/here', 'loop/there', 'none/there'].map(leads)).toEqual([false, false, false, false]);
});
