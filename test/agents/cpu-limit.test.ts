import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openCpuLimit } from '../../agents/watchdog/platform/container.ts';
import { openPressure } from '../../agents/watchdog/platform/pressure.ts';
import { tempFolder } from '../support/recording.ts';

/** A tree of cgroups of version 2 in a folder, as the kernel would show it. */
function cgroupsIn(root: string) {
  const at = join(root, 'cgroup');
  const files = { cgroup: join(root, 'self-cgroup'), mountinfo: join(root, 'mountinfo') };
  mkdirSync(at);
  writeFileSync(files.mountinfo, `34 23 0:29 / ${at} rw - cgroup2 cgroup2 rw\n`);
  const enter = (group: string): void => writeFileSync(files.cgroup, `0::/${group}\n`);
  const set = (group: string, { max = 'max 100000', throttledMs = 0, ioMs = 0 } = {}): void => {
    const folder = join(at, group);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'cgroup.events'), 'populated 1\nfrozen 0\n');
    writeFileSync(join(folder, 'cpu.max'), `${max}\n`);
    writeFileSync(join(folder, 'cpu.stat'), `usage_usec 5\nthrottled_usec ${throttledMs * 1000}\n`);
    for (const what of ['cpu', 'io', 'memory']) {
      const line = `avg10=0.00 avg60=0.00 avg300=0.00 total=${what === 'io' ? ioMs * 1000 : 0}`;
      writeFileSync(join(folder, `${what}.pressure`), `some ${line}\nfull ${line}\n`);
    }
  };
  return { files, enter, set, remove: (group: string) => rmSync(join(at, group), { recursive: true }) };
}

test('a limit that is set, changed and lifted while the program runs', () => {
  const { files, enter, set } = cgroupsIn(tempFolder());
  enter('app');
  set('app');
  let now = 0;
  const read = openCpuLimit(files, () => now);
  expect(read()).toEqual({ throttledMs: 0, cpus: null });
  set('app', { max: '20000 100000', throttledMs: 300 });
  now += 10_000;
  expect(read(), 'what was throttled since the last look counts').toEqual({ throttledMs: 300, cpus: 0.2 });
  set('app', { max: '20000 100000', throttledMs: 350 });
  expect(read(), 'counters are read each time').toEqual({ throttledMs: 350, cpus: 0.2 });
  set('app', { max: '50000 100000', throttledMs: 350 });
  now += 10_000;
  expect(read()).toEqual({ throttledMs: 350, cpus: 0.5 });
  set('app', { throttledMs: 350 });
  now += 10_000;
  expect(read()).toEqual({ throttledMs: 350, cpus: null });
  read.close();
});

test('a process that is moved to another cgroup does not inherit what that one counted', () => {
  const { files, enter, set } = cgroupsIn(tempFolder());
  set('free');
  set('narrow', { max: '10000 100000', throttledMs: 90_000 });
  enter('free');
  let now = 0;
  const read = openCpuLimit(files, () => now);
  read();
  enter('narrow');
  now += 10_000;
  expect(read()).toEqual({ throttledMs: 0, cpus: 0.1 });
  set('narrow', { max: '10000 100000', throttledMs: 90_040 });
  expect(read()).toEqual({ throttledMs: 40, cpus: 0.1 });
  read.close();
});

test('without cgroups there is nothing to tell', () => {
  const folder = tempFolder();
  const read = openCpuLimit({ cgroup: join(folder, 'none'), mountinfo: join(folder, 'none') });
  expect(read()).toBeNull();
  read.close();
});

test('pressure is that of the own cgroup, else of the machine, else unknown', () => {
  const folder = tempFolder();
  const { files, enter, set, remove } = cgroupsIn(folder);
  set('app', { ioMs: 36 });
  enter('app');
  const own = openPressure(files, join(folder, 'none'));
  expect(own()).toEqual({ of: 'container', cpuMs: 0, ioMs: 36, memoryMs: 0 });
  own.close();
  remove('app');
  const machine = join(folder, 'pressure');
  mkdirSync(machine);
  writeFileSync(join(machine, 'cpu'), 'some avg10=98.83 avg60=99.43 avg300=95.93 total=2500\n');
  const all = openPressure(files, machine);
  expect(all()).toEqual({ of: 'machine', cpuMs: 2.5, ioMs: null, memoryMs: null });
  all.close();
  expect(openPressure(files, join(folder, 'none'))()).toBeNull();
});
