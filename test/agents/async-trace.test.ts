import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { connect } from '../../src/attach/connect.ts';
import { takeAsyncTrace } from '../../src/attach/take-async-trace.ts';
import { EVENT_WORDS } from '../../src/protocol/async-trace.ts';
import { buildMapped, captureUntil, connected, drawn, NODE_WITH_HOOKS, TELL_HOOKS } from '../support/async-trace.ts';
import { inLab, lineOf, type Program, SPIN } from '../support/run-agent.ts';

const ORDERS = `import { AsyncLocalStorage } from 'node:async_hooks';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Order { id: number }

const context = new AsyncLocalStorage<number>();
const server = createServer(async function answer(_request, response) { // answers
  await new Promise((resolve) => setTimeout(resolve, 30)); // late
  response.end('[]');
});
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms)); // pauses

type Url = string;
async function loadCustomer(): Promise<void> {
  await pause(20); // customer
}
async function loadOrders(url: Url): Promise<Order[]> {
  await loadCustomer(); // nested
  const reply = await fetch(url); // fetches
  return (await reply.json()) as Order[];
}
function report(): void {
  setTimeout(function tell() { setImmediate(function told() {}); }, 25); // reports
}
async function round(n: number, url: Url): Promise<void> {
  await loadOrders(url); // loads
  await readFile(process.argv[2]!); // reads
  report();
  const timer = setTimeout(() => {}, 60_000); // cleared
  await pause(40);
  clearTimeout(timer);
  console.log('round', n, context.getStore());
}
server.listen(0, async () => {
  const url = 'http://localhost:' + (server.address() as AddressInfo).port;
  for (let n = 0; ; n++) await context.run(n, () => round(n, url)); // runs
});
`;

/** Resolves when the program has said that so many times more. */
const moreOf = (program: Program, word: string, more: number) => {
  const said = (): number => program.stdout().split(word).length;
  const from = said();
  return async (): Promise<void> => {
    while (said() < from + more) await pause(20);
  };
};

/** At level watch the hooks of what follows the thread would come two seconds after the start. */
const UNFOLLOWED = { watch: { EVDIAG_BUDGET: '0' }, diagnose: {} } as const;

test(
  'timers, files, fetch and nested awaits: lanes with their places, flows from where they began to what ran',
  inLab(async (lab) => {
    const program = lab.start(await buildMapped(lab, 'orders', ORDERS), {
      args: [lab.file('large', 'x'.repeat(2e7))],
    });
    await program.until('stdout', 'round 0 0');
    const trace = await connected(program, (connection) => captureUntil(connection, moreOf(program, 'round', 6)));
    const place = (mark: string): string => `orders.ts:${lineOf(ORDERS, `// ${mark}`)}`;
    expect(trace.problems).toEqual([]);
    const { events, lanes, slices, arrows } = drawn(trace);
    expect(lanes).toEqual(
      expect.arrayContaining([
        `call round ${place('runs')}`,
        `call loadOrders ${place('loads')}`,
        `call loadCustomer ${place('nested')}`,
        `call fetch ${place('fetches')}`,
        `call readFile ${place('reads')}`,
        `call answer ${place('answers')}`,
        `Timeout report ${place('reports')}`,
        `Timeout pause ${place('pauses')}`,
        `Timeout round ${place('cleared')}`,
      ]),
    );
    // The timer that was cleared is no operation of a minute; what Node awaits within fetch has no lanes.
    const longest = (name: string): number => {
      const ends = new Map(events.filter(({ ph }) => ph === 'e').map(({ cat, id, ts }) => [`${cat} ${id}`, ts!]));
      const begins = events.filter((event) => event.ph === 'b' && event.name === name && !event.args?.end);
      return Math.max(...begins.map(({ cat, id, ts }) => ends.get(`${cat} ${id}`)! - ts!)) / 1000;
    };
    expect(longest(`Timeout round ${place('cleared')}`)).toBeLessThan(30_000);
    expect(lanes.filter((name) => name.startsWith('call ') && name.endsWith(place('fetches')))).toHaveLength(1);
    expect(slices).toEqual(expect.arrayContaining([`await loadOrders ${place('fetches')}`, 'HTTPINCOMINGMESSAGE']));
    expect(arrows).toEqual(
      expect.arrayContaining(
        [
          // The call began in the first slice, and went on in the second.
          `await loadOrders ${place('nested')} → await loadOrders ${place('fetches')}`,
          `await loadCustomer ${place('customer')} → await loadOrders ${place('nested')}`,
          `await round ${place('reads')} → Timeout report ${place('reports')}`,
          `Timeout report ${place('reports')} → Immediate tell ${place('reports')}`,
        ].filter((arrow) => !arrow.startsWith('await loadCustomer')),
      ),
    );
    // The program's own context went with each of its operations.
    const mixed = program
      .stdout()
      .split('\n')
      .filter((line) => /^round (\d+) (?!\1$)/.test(line));
    expect(mixed).toEqual([]);
  }),
);

test.each(['watch', 'diagnose'] as const)(
  'level %s: two captures in a row; between them and after them no hook of theirs is left, also where the client goes',
  (level) =>
    inLab(async (lab) => {
      const text = `${TELL_HOOKS}
        setInterval(async function tick() { await 1; }, 5); // ticks
        setInterval(() => console.log('tock'), 50);`;
      const program = lab.start(lab.file('app.js', text), {
        node: NODE_WITH_HOOKS,
        env: { EVDIAG_LEVEL: level, ...UNFOLLOWED[level] },
      });
      await program.watched();
      await program.until('stdout', 'hooks');
      const hooks = (): string =>
        program
          .stdout()
          .match(/hooks \S+(?=\n)/g)!
          .at(-1)!;
      const before = await atRest(hooks);
      const isDifferent = async (): Promise<void> => {
        while (hooks() === before) await pause(10);
        await moreOf(program, 'tock', 4)();
      };
      const isAsBefore = () => expect.poll(hooks, { timeout: 60_000 }).toBe(before);
      await connected(program, async (connection) => {
        for (let i = 0; i < 2; i++) {
          const trace = await captureUntil(connection, isDifferent);
          expect(drawn(trace).slices).toContain(`await tick app.js:${lineOf(text, '// ticks')}`);
          await isAsBefore();
        }
      });
      const leaving = await connect(program.pid);
      const lost = takeAsyncTrace(leaving, { durationMs: 300_000 }).catch((error: Error) => error.message);
      await isDifferent();
      leaving.close();
      await lost;
      await isAsBefore();
    })(),
);

/** Once nothing has changed for a while: deep samples of level diagnose come and go. */
async function atRest(value: () => string): Promise<string> {
  for (let last = value(); ; last = value()) {
    await pause(400);
    if (value() === last) return last;
  }
}

test(
  'a thread that is blocked: one sentence, and nothing is hooked when it comes back',
  inLab(async (lab) => {
    const text = `${TELL_HOOKS} ${SPIN} setTimeout(() => { console.log('blocked'); spin(3000); console.log('back'); setTimeout(() => console.log('over'), 300); }, 500);`;
    const program = lab.start(lab.file('app.js', text), {
      node: NODE_WITH_HOOKS,
      env: { EVDIAG_LEVEL: 'watch', ...UNFOLLOWED.watch },
    });
    await program.until('stdout', 'blocked');
    await connected(program, async (connection) => {
      await expect(takeAsyncTrace(connection, { durationMs: 500 })).rejects.toThrow(
        `"evdiag dump ${program.pid}" shows where it is`,
      );
    });
    await program.until('stdout', 'over');
    // A deep sample of the block has hooks of its own, for a moment.
    const told =
      program
        .stdout()
        .split('back')[1]!
        .match(/hooks .*/g) ?? [];
    expect(told.at(-1) ?? 'hooks 0+0').toBe('hooks 0+0');
  }),
);

test(
  'a storm of promises: no more than there is room for, the loss is told, and the program is right',
  inLab(async (lab) => {
    const text = `${TELL_HOOKS} process.once('SIGUSR2', async () => {
      let sum = 0;
      for (let i = 0; i < 5e5; i++) sum += await i;
      console.log('sum', sum);
    });`;
    const program = lab.start(lab.file('app.js', text), {
      node: NODE_WITH_HOOKS,
      env: { EVDIAG_QUIET: '1', EVDIAG_LEVEL: 'watch', ...UNFOLLOWED.watch },
    });
    const trace = await connected(program, (connection) =>
      captureUntil(connection, async () => {
        await program.until('stdout', 'hooks 1+');
        program.kill('SIGUSR2');
        await program.until('stdout', 'sum');
      }),
    );
    await program.until('stdout', 'sum 124999750000');
    const [main] = trace.threads;
    const count = main!.events.length / EVENT_WORDS;
    expect(count).toBeLessThanOrEqual(2_000_000);
    // A million promises make two and a half million events.
    expect(main!.dropped > 0 || main!.fullMs !== null).toBe(true);
    const { events, slices } = drawn(trace, 20_000);
    expect(events.length).toBeLessThanOrEqual(20_000);
    expect(slices.join()).not.toBe('');
    program.kill('SIGKILL');
  }),
);

test(
  'worker threads',
  inLab(async (lab) => {
    const text = `const { Worker, isMainThread } = require('node:worker_threads');
      if (isMainThread) new Worker(__filename);
      else setInterval(function beat() { setTimeout(function late() {}, 15); }, 30);
      console.log('up');`;
    const program = lab.start(lab.file('app.js', text));
    await program.until('stdout', 'up\nup');
    const trace = await connected(program, async (connection) => {
      // The watchdog hears of a new thread some ms later.
      while (!(await connection.request('hello', {})).threads[1]) await pause(20);
      return takeAsyncTrace(connection, { durationMs: 1000 });
    });
    expect(trace.threads.map(({ threadId }) => threadId)).toEqual([0, expect.any(Number)]);
    const { arrows, events } = drawn(trace);
    expect(arrows).toContain('Timeout beat → Timeout beat app.js:3');
    expect(
      events.filter(({ name }) => name === 'Timeout beat').every(({ tid }) => tid === trace.threads[1]!.threadId),
    ).toBe(true);
  }),
);

test.each([
  [{ durationMs: 0 }, 'between 1 ms and 300 s'],
  [{ durationMs: 1e9 }, 'between 1 ms and 300 s'],
  [{}, 'between 1 ms and 300 s'],
] as const)('%j is refused: %s', (request, sentence) =>
  inLab(async (lab) => {
    const program = lab.start(lab.file('app.js', 'setInterval(() => {}, 1000); console.log("up")'));
    await program.until('stdout', 'up');
    await connected(program, (connection) =>
      expect(connection.request('async-trace', request as never)).rejects.toThrow(sentence),
    );
  })(),
);

test(
  'a program that exits meanwhile says nothing more, and exits as it wanted',
  inLab(async (lab) => {
    const text =
      'setInterval(async () => { await 1; }, 10); console.log("up"); setTimeout(() => process.exit(5), 2500);';
    const program = lab.start(lab.file('app.js', text), { env: { EVDIAG_QUIET: '1' } });
    await program.until('stdout', 'up');
    await connected(program, async (connection) => {
      const taken = takeAsyncTrace(connection, { durationMs: 60_000 });
      await expect(taken).rejects.toThrow('ended, or closed the connection');
    });
    expect(await program.ended).toMatchObject({ exitCode: 5, stderr: '' });
  }),
);
