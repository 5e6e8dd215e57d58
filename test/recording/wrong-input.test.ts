import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { writePrivate } from '../../src/cli/write-file.ts';
import { readSnapshot } from '../../src/heap/read-snapshot.ts';
import { readProfile } from '../../src/profile/read-profile.ts';
import { parseJson } from '../../src/recording/parse-json.ts';
import { InputError, readRecording } from '../../src/recording/reader.ts';
import { createFrameMapper } from '../../src/recording/source-maps.ts';
import { excerpt } from '../../src/report/excerpt.ts';
import { header, ndjson, tempFolder } from '../support/recording.ts';

const READERS: [name: string, read: (path: string) => unknown][] = [
  ['profile', readProfile],
  ['recording', readRecording],
  ['snapshot', readSnapshot],
];

/** The message of the InputError that it must be. */
async function messageOf(read: (path: string) => unknown, path: string): Promise<string> {
  const error = await Promise.resolve()
    .then(() => read(path))
    .then(
      () => null,
      (reason: unknown) => reason,
    );
  expect(error).toBeInstanceOf(InputError);
  return (error as InputError).message;
}

describe('what is no regular file is refused, and never waited for', () => {
  test.each(READERS)('%s', async (_name, read) => {
    const folder = tempFolder();
    const [fifo, link] = [join(folder, 'fifo.cpuprofile'), join(folder, 'zero.cpuprofile')];
    execFileSync('mkfifo', [fifo]);
    symlinkSync('/dev/zero', link);
    symlinkSync(fifo, join(folder, 'link.cpuprofile'));
    symlinkSync('loop', join(folder, 'loop'));
    mkdirSync(join(folder, 'folder.heapsnapshot'));
    const paths = [fifo, link, '/dev/zero', '/dev/tty', 'x'.repeat(5000)];
    for (const path of [
      ...paths,
      ...['link.cpuprofile', 'loop', 'folder.heapsnapshot'].map((name) => join(folder, name)),
    ])
      expect(await messageOf(read, path)).toMatch(/, not a file\. |is not a |cannot be read|does not exist/);
    const socket = createServer().listen(join(folder, 'socket'));
    await once(socket, 'listening');
    const odd = [fifo, 'link.cpuprofile', '/dev/zero', 'socket'].map((path) => messageOf(read, resolve(folder, path)));
    const said = await Promise.all(odd);
    socket.close();
    expect(said.map((text) => /is (a \w+), not a file\. [A-Z]/.exec(text)?.[1])).toEqual([
      'a pipe',
      'a pipe',
      'a device',
      'a socket',
    ]);
  });

  test('what comes out of a pipe that somebody writes to is not waited for either', async () => {
    const fifo = join(tempFolder(), 'fifo.cpuprofile');
    execFileSync('mkfifo', [fifo]);
    // The writer waits for a reader.
    const writer = spawn('bash', ['-c', `echo '{"nodes":[]}' > '${fifo}'`]);
    for (const [, read] of READERS)
      expect(await messageOf(read, fifo)).toBe(
        `"${fifo}" is a pipe, not a file. Write its output to a file first, and give that file.`,
      );
    writer.kill();
  });

  test('nor where a recording or a profile names one as its source', () => {
    const folder = tempFolder({ 'b.js': 'f();\n//# sourceMappingURL=fifo\n' });
    const [fifo, source] = [join(folder, 'fifo'), join(folder, 'a.js')];
    execFileSync('mkfifo', [fifo, source]);
    const toFrame = createFrameMapper();
    for (const path of [fifo, '/dev/zero', '/dev/stdin'])
      expect(toFrame(['f', path, 3, 4])).toMatchObject({ file: path, line: 3 });
    expect(excerpt({ file: source, line: 1, column: 1, function: 'f' })).toEqual([]);
    expect(toFrame(['f', join(folder, 'b.js'), 1, 1])).toMatchObject({ line: 1 });
  });
});

test('nothing is written into a pipe that nobody reads; one that somebody reads gets all of it', async () => {
  const fifo = join(tempFolder(), 'fifo');
  execFileSync('mkfifo', [fifo]);
  expect(() => writePrivate(fifo, ['text'])).toThrow(
    `"${fifo}" cannot be written (ENXIO: nobody reads this pipe). Give another file with --output.`,
  );
  // It opens for both ends, so that there is a reader before it says so.
  const reader = spawn('bash', ['-c', `exec 3<>'${fifo}'; echo ready; head -c 300000 <&3 | wc -c`]);
  const said = once(reader.stdout, 'data');
  await said;
  const counted = once(reader.stdout, 'data');
  expect(writePrivate(fifo, ['a'.repeat(300_000)])).toBe(300_000);
  expect(String((await counted)[0]).trim()).toBe('300000');
});

describe('an input of another kind names the command that reads it', () => {
  const profile = '{"nodes":[{"id":1,"callFrame":{}}],"samples":[]}';
  const files = {
    snapshot: '{"snapshot":{"meta":{"node_fields":[]}},"nodes":[]}',
    recording: ndjson([header]),
    profile,
    ours: `{"evdiag":{"interval":1},${profile.slice(1)}`,
    old: '{"typeId":"CPU","head":{"functionName":"","hitCount":0},"timestamps":[]}',
    allocations: '{"head":{"callFrame":{},"selfSize":0}}',
    dump: '{\n  "schema": "evdiag-dump/2"}',
    report: '{\n  "schema": "evdiag-report/2"}',
    trace: '{"displayTimeUnit":"ms","traceEvents":[]}',
    log: 'v8-version,12,4',
  };

  test.each([
    ['snapshot', /is a heap snapshot. "evdiag leaks .*snapshot" reads it\.$/, ['profile', 'recording']],
    ['recording', /is a recording. "evdiag report .*recording" reads it\.$/, ['profile', 'snapshot']],
    [
      'profile',
      /is a CPU profile. "evdiag stats .*profile" and "evdiag flame .*" read it\.$/,
      ['recording', 'snapshot'],
    ],
    ['ours', /is a CPU profile/, ['recording', 'snapshot']],
    ['old', /is a CPU profile/, ['recording', 'snapshot']],
    ['allocations', /is an allocation profile/, ['recording', 'snapshot']],
    ['dump', /is a dump of suspended calls. "evdiag flame/, ['recording', 'snapshot']],
    ['report', /is what evdiag printed as JSON. Give the recording/, ['profile', 'recording', 'snapshot']],
    ['trace', /is a timeline of trace events. Open it in ui.perfetto.dev/, ['profile', 'recording', 'snapshot']],
    ['log', /is V8's log/, ['recording', 'snapshot']],
  ] as const)('%s', async (name, words, readers) => {
    const folder = tempFolder(files);
    for (const [reader, read] of READERS)
      if ((readers as readonly string[]).includes(reader))
        expect(await messageOf(read, join(folder, name))).toMatch(words);
  });
});

test('an empty file, and JSON that would fill the memory, are one sentence', async () => {
  expect(await messageOf(readProfile, join(tempFolder({ empty: '' }), 'empty'))).toMatch(/is empty\. Give a profile/);
  const bomb = Buffer.from(`[${'{},'.repeat(4e6)}"{,[\\"[{"]`);
  expect(() => parseJson(bomb, 100e6)).toThrow(
    /^it would take \d+ MiB of memory\. Record for a shorter time, or set NODE_OPT/,
  );
  expect(parseJson(Buffer.from(`["${'{,['.repeat(4e6)}"]`), 100e6)).toHaveLength(1);
});
