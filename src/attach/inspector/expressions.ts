/** What is evaluated in the process: text, as nothing of ours is there. */
import { ATTACH_KEY, type AttachOptions } from '../../protocol/attach-options.ts';
import { AGENT_NAME } from '../../protocol/thread-api.ts';
import { ANOTHER_MOMENT, IS_SAFE } from './safe-moment.ts';

/** What the process tells before the agent is loaded. */
export interface Preflight {
  pid: number;
  version: string;
  /** An agent is there already. */
  agent: boolean;
  /** "device:inode" of our agent's file as the process sees it; null where it cannot read it. */
  file: string | null;
  /** Of the permission model: what the agent needs and does not get. */
  forbidden: string[];
  /** In use by its main thread. */
  heapBytes: number;
}

/** Works in CommonJS, in ES modules, and where the program has deleted the global `process`. */
const BUILTINS = `
  const host = typeof process === 'object' && process ? process : require('node:process');
  const builtin = (name) => (host.getBuiltinModule ? host.getBuiltinModule(name) : require('node:' + name));
`;

export function preflightExpression(agentFile: string): string {
  return `(() => {${BUILTINS}
  const file = ${JSON.stringify(agentFile)};
  const { permission } = host;
  const forbidden = [];
  if (permission && !permission.has('worker')) forbidden.push('--allow-worker');
  if (permission && !permission.has('fs.read', file)) forbidden.push('--allow-fs-read=' + file);
  let seen = null;
  try {
    builtin('fs').accessSync(file, 4);
    const { dev, ino } = builtin('fs').statSync(file);
    seen = dev + ':' + ino;
  } catch {}
  const agent = typeof ${AGENT_NAME} !== 'undefined' && Boolean(${AGENT_NAME}.stack);
  const heapBytes = builtin('v8').getHeapStatistics().used_heap_size;
  return JSON.stringify({ pid: host.pid, version: host.version, agent, file: seen, forbidden, heapBytes });
})()`;
}

/** Writes the files into the first of the folders that takes them, in a new folder of its own; its path, null where none does. */
export function uploadExpression(folders: readonly string[], name: string, files: Record<string, string>): string {
  return `(() => {${BUILTINS}
  const fs = builtin('fs');
  const { join } = builtin('path');
  const files = ${JSON.stringify(files)};
  for (const folder of ${JSON.stringify(folders)}) {
    const own = join(folder, ${JSON.stringify(name)});
    try {
      try { fs.mkdirSync(folder, { mode: 0o700 }); } catch (error) { if (error.code !== 'EEXIST') throw error; }
      const { uid, mode } = fs.lstatSync(folder);
      if (uid !== host.getuid() || (mode & 0o077) !== 0) continue;
      fs.mkdirSync(own, { mode: 0o700 });
      for (const file in files) fs.writeFileSync(join(own, file), files[file], { mode: 0o600, flag: 'wx' });
      return own;
    } catch {
      try { fs.rmSync(own, { recursive: true, force: true }); } catch {}
    }
  }
  return null;
})()`;
}

/**
 * Node answers one SIGUSR1 several times: by an interrupt, and when the loop turns. If the first has opened the inspector and it is closed
 * before the loop turns, the second opens it again: so it is closed then as well.
 */
const CLOSING = `
  const { setImmediate: later } = builtin('timers');
  const close = (turns) => {
    host._debugEnd();
    if (turns > 0) later(close, turns - 1);
  };
`;

/**
 * Loads nothing and says ANOTHER_MOMENT where that is not safe; `late`: it has said so for a while. `close`: the inspector is closed first.
 * That waits until whoever evaluates this has gone; then the agent is loaded.
 */
export function loadExpression(agentFile: string, options: AttachOptions, close: boolean, late: boolean): string {
  return `(() => {${IS_SAFE}
  if (!isSafe(${late})) return ${JSON.stringify(ANOTHER_MOMENT)};
  ${BUILTINS}
  const file = ${JSON.stringify(agentFile)};
  const key = Symbol.for(${JSON.stringify(ATTACH_KEY)});
  ${close ? `${CLOSING}close(2);` : ''}
  globalThis[key] = ${JSON.stringify(options)};
  try {
    builtin('module').createRequire(file)(file);
  } finally {
    delete globalThis[key];
  }
})()`;
}

/** Once where Node changes its own queues: whoever has opened it looks again. */
export const CLOSE_EXPRESSION = `(() => {${IS_SAFE}${BUILTINS}${CLOSING}
  close(isSafe(false) ? 2 : 0);
})()`;

export const evaluation = (expression: string) => ({
  expression,
  includeCommandLineAPI: true,
  returnByValue: true,
  silent: true,
});
