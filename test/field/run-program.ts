/** Runs one program beside its stand-in and its load, as its user would. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { type Answer, FIELD } from './answers.ts';

export type Variant = 'sick' | 'cured';

export interface Place {
  node: string;
  /** Where libraries, programs and evdiag are. */
  home: string;
  /** Options of Node before the program, and variables: by these it is observed. */
  args: readonly string[];
  env: Record<string, string>;
}

/** Far away: only what hangs gets there. */
const HANG_MS = 90_000;
const LACKS_LIBRARY =
  /ERR_DLOPEN_FAILED|Could not locate the bindings|was compiled against a different|Cannot find module '([^.'/]+)/;

/** Tells what is lacking here, else null when it ended as it should. */
export async function runProgram(id: string, variant: Variant, answer: Answer, place: Place): Promise<string | null> {
  const helpers: ChildProcess[] = [];
  const bare = { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '' };
  const start = (args: readonly string[], env: Record<string, string>, node = process.execPath): Child => {
    const child = spawn(node, args, { cwd: place.home, env: { ...bare, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    helpers.push(child);
    return new Child(child);
  };
  const standIn = (name: string, env: Record<string, string>): Child =>
    start([join(FIELD, 'stand-ins', `${name}.mjs`)], env);
  try {
    const ports: Record<string, string> = {};
    if (answer.needs !== undefined) {
      const beside = standIn(answer.needs, { FIELD_OPTIONS: JSON.stringify(answer.options ?? {}) });
      const [, word, rest] = await beside.said(/^(ready|lacks) (.*)$/m);
      if (word === 'lacks') return rest!;
      ports[`${answer.needs.replace('real-', '').toUpperCase()}_PORT`] = rest!;
    }
    const env = { ...place.env, ...ports, RUN_MS: String(answer.seconds * 1000), NODE_ENV: 'production' };
    const program = start([...place.args, `programs/${id}.cjs`, variant], env, place.node);
    if (answer.load !== undefined) {
      // It may end before: then its code says why.
      const listening = await program.said(/^listening on (\d+)$/m).catch(() => null);
      if (listening !== null) standIn('load', { FIELD_PORT: listening[1]!, FIELD_LOAD: JSON.stringify(answer.load) });
    }
    const code = await program.ended;
    if (code === 0) return null;
    const lacking = LACKS_LIBRARY.exec(program.stderr);
    if (lacking !== null) return lacking[1] ?? 'an add-on that is not built here';
    throw new Error(`it ended with ${code}: ${program.stderr.slice(-1000)}`);
  } finally {
    await Promise.all(helpers.map(end));
  }
}

/** What a child says, and how it ends. */
class Child {
  stdout = '';
  stderr = '';
  readonly ended: Promise<number | NodeJS.Signals | null>;
  readonly #child: ChildProcess;

  constructor(child: ChildProcess) {
    this.#child = child;
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    const hangs = setTimeout(() => child.kill('SIGKILL'), HANG_MS);
    this.ended = new Promise((resolve, reject) =>
      child.on('error', reject).on('close', (code, signal) => resolve(code ?? signal)),
    );
    void this.ended.finally(() => clearTimeout(hangs)).catch(() => {});
  }

  /** Resolves when a line of stdout matches; fails when the child ends before. */
  said(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const match = pattern.exec(this.stdout);
        if (match !== null) resolve(match);
      };
      this.#child.stdout!.on('data', look);
      look();
      void this.ended.then(() => reject(new Error(`it ended without ${pattern}: ${this.stderr.slice(-1000)}`)), reject);
    });
  }
}

/** Ends a helper, by force where it does not go. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.on('close', resolve));
  child.kill('SIGTERM');
  const force = setTimeout(() => child.kill('SIGKILL'), 5000);
  await gone;
  clearTimeout(force);
}
