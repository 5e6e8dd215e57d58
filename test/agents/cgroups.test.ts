import { expect, test } from 'vitest';
import {
  coresOfMax,
  coresOfQuota,
  hierarchyOf,
  positive,
  throttledMsOf,
} from '../../agents/watchdog/platform/cgroups.ts';

/** Texts as kernels and container runtimes write them. */
const DOCKER_V2 = {
  cgroup: '0::/\n',
  mountinfo: `1290 1289 0:29 / /sys/fs/cgroup ro,nosuid,nodev,noexec,relatime - cgroup2 cgroup rw,nsdelegate,memory_recursiveprot
1291 1288 0:110 / /dev/shm rw,nosuid,nodev,noexec,relatime - tmpfs shm rw,size=65536k
`,
};
const SYSTEMD_V2 = {
  cgroup: '0::/user.slice/user-1000.slice/session-2.scope\n',
  mountinfo: '34 23 0:29 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate\n',
};
const V1_CGROUP = `12:cpuset:/docker/4f2a
4:cpu,cpuacct:/docker/4f2a
3:memory:/docker/4f2a
1:name=systemd:/docker/4f2a
0::/system.slice/containerd.service
`;
const DOCKER_V1 = {
  cgroup: V1_CGROUP,
  mountinfo: `677 676 0:32 /docker/4f2a /sys/fs/cgroup/cpu,cpuacct ro,nosuid,nodev,noexec,relatime master:15 - cgroup cgroup rw,cpu,cpuacct
678 676 0:33 /docker/4f2a /sys/fs/cgroup/memory ro,nosuid,nodev,noexec,relatime master:16 - cgroup cgroup rw,memory
`,
};
const HOST_V1 = {
  cgroup: V1_CGROUP,
  mountinfo: DOCKER_V1.mountinfo.replaceAll(' /docker/4f2a ', ' / '),
};
/** The controllers are of version 1, and an empty tree of version 2 stands beside them. */
const HYBRID = {
  cgroup: '1:cpu:/evdiag\n0::/\n',
  mountinfo: `32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
`,
};

test.each([
  ['a container of version 2', 'cpu', DOCKER_V2, 2, ['/sys/fs/cgroup']],
  [
    'a session of version 2, with all that is around it',
    'memory',
    SYSTEMD_V2,
    2,
    [
      '/sys/fs/cgroup/user.slice/user-1000.slice/session-2.scope',
      '/sys/fs/cgroup/user.slice/user-1000.slice',
      '/sys/fs/cgroup/user.slice',
      '/sys/fs/cgroup',
    ],
  ],
  ['a container of version 1, which sees its own part alone', 'cpu', DOCKER_V1, 1, ['/sys/fs/cgroup/cpu,cpuacct']],
  [
    'a host of version 1',
    'memory',
    HOST_V1,
    1,
    ['/sys/fs/cgroup/memory/docker/4f2a', '/sys/fs/cgroup/memory/docker', '/sys/fs/cgroup/memory'],
  ],
  ['both versions', 'cpu', HYBRID, 1, ['/sys/fs/cgroup/cpu/evdiag', '/sys/fs/cgroup/cpu']],
  ['a path outside of the own namespace', 'cpu', { ...DOCKER_V2, cgroup: '0::/../../other\n' }, 2, ['/sys/fs/cgroup']],
] as const)('%s', (_what, controller, { cgroup, mountinfo }, version, folders) => {
  expect(hierarchyOf(controller, cgroup, mountinfo)).toEqual({ version, folders });
});

test('without the controller, without a mount, and with names that are escaped', () => {
  expect(hierarchyOf('cpu', '', '')).toBeNull();
  expect(hierarchyOf('cpu', DOCKER_V2.cgroup, '')).toBeNull();
  const mountinfo = '1 2 0:3 / /mnt/c\\040g rw - cgroup2 cgroup2 rw\n';
  expect(hierarchyOf('cpu', '0::/\n', mountinfo)?.folders).toEqual(['/mnt/c g']);
});

test('limits', () => {
  expect(coresOfMax('20000 100000\n')).toBe(0.2);
  expect(coresOfMax('max 100000\n')).toBeNull();
  expect(coresOfMax(null)).toBeNull();
  expect(coresOfQuota('150000\n', '100000\n')).toBe(1.5);
  expect(coresOfQuota('-1\n', '100000\n')).toBeNull();
  expect(positive(Number('9223372036854771712'))).toBeNull();
});

test('throttled time, of both versions', () => {
  const v2 =
    'usage_usec 2190117\nuser_usec 1780\nsystem_usec 410\nnr_periods 88\nnr_throttled 85\nthrottled_usec 9931121\nnr_bursts 0\n';
  const v1 = 'nr_periods 88\nnr_throttled 85\nthrottled_time 9931121988\nnr_bursts 0\nburst_time 0\n';
  expect(throttledMsOf(v2)).toBeCloseTo(9931.1, 1);
  expect(throttledMsOf(v1)).toBeCloseTo(9931.1, 1);
  expect(throttledMsOf('usage_usec 2190117\nuser_usec 1780\n')).toBeNull();
});
