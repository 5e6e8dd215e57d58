/** Programs whose operations are captured, and what came of it. */
import { join } from 'node:path';
import { build } from 'esbuild';
import { type Connection, connect } from '../../src/attach/connect.ts';
import { type AsyncTrace, takeAsyncTrace } from '../../src/attach/take-async-trace.ts';
import { captureTrace } from '../../src/exporters/trace/capture-trace.ts';
import { MAX_EVENTS, type TraceEvent } from '../../src/exporters/trace/types.ts';
import { AGENT_CJS, type Lab, type Program } from './run-agent.ts';
import { type BoundFlow, checkTrace } from './trace-format.ts';

/**
 * JavaScript that prints how many async hooks and hooks of promises there are, whenever that changes: "hooks 0+0".
 * Wants `--expose-internals`.
 */
export const TELL_HOOKS = `
(() => {
  const { getHookArrays } = require('internal/async_hooks');
  const { getPromiseHooks } = require('internal/test/binding').internalBinding('async_wrap');
  let told = '';
  setInterval(() => {
    const text = 'hooks ' + getHookArrays()[0].length + '+' + getPromiseHooks().filter(Boolean).length;
    if (text !== told) console.log(text);
    told = text;
  }, 10);
})();
`;
export const NODE_WITH_HOOKS = ['--expose-internals', '-r', AGENT_CJS];

/** Builds a program with a source map and returns its file. */
export async function buildMapped(lab: Lab, name: string, text: string): Promise<string> {
  const outfile = join(lab.folder, 'dist', `${name}.cjs`);
  const entryPoints = [lab.file(`src/${name}.ts`, text)];
  await build({ bundle: true, platform: 'node', sourcemap: true, entryPoints, outfile, logLevel: 'error' });
  return outfile;
}

/** The body gets a connection to the program, which is over with it. */
export async function connected<T>(program: Program, body: (connection: Connection) => Promise<T>): Promise<T> {
  await program.watched();
  const connection = await connect(program.pid);
  try {
    return await body(connection);
  } finally {
    connection.close();
  }
}

/** Captures until the condition is met, which is asked once the hooks are there. */
export async function captureUntil(
  connection: Connection,
  met: () => Promise<unknown>,
  durationMs = 60_000,
): Promise<AsyncTrace> {
  const taken = takeAsyncTrace(connection, { durationMs });
  await Promise.race([met(), taken]);
  await connection.request('end-async-trace', {});
  return taken;
}

export interface Drawn {
  events: TraceEvent[];
  flows: BoundFlow[];
  lanes: string[];
  slices: string[];
  /** "from → to". */
  arrows: string[];
}

/** The timeline of what was captured, as strict viewers take it. */
export function drawn({ threads }: AsyncTrace, maxEvents = MAX_EVENTS): Drawn {
  const { events } = captureTrace({ pid: 1, argv: ['node'] }, threads, [], [], maxEvents);
  const flows = checkTrace(events);
  const names = (phase: string): string[] => [
    ...new Set(events.filter(({ ph }) => ph === phase).map(({ name }) => name)),
  ];
  const arrows = [...new Set(flows.map(({ from, to }) => `${from.name} → ${to.name}`))];
  return { events, flows, lanes: names('b'), slices: names('X'), arrows };
}
