import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { doctorFolder } from '../../exporters/clinic-doctor/files.ts';
import type { Recording } from '../../recording/types.ts';
import { InputError } from '../../util/input-error.ts';
import { builtFile, packageRoot } from '../../util/package-root.ts';
import { formatMs } from '../../util/text.ts';
import { progressLine } from '../progress.ts';
import { writeFolder } from '../write-folder.ts';
import type { Answer } from './types.ts';

/** It takes some seconds; on a busy machine ten times as long. */
const TIMEOUT_MS = 120_000;
const PACKAGE = '@clinic/doctor';

export interface Asked {
  answer: Answer;
  /** Null if the recording is its own. */
  sampleCount: number | null;
}

/** The folder of the package: the working folder's, evdiag's, or the one within clinic. Throws InputError if there is none. */
export function findDoctor(from: readonly string[] = [process.cwd(), packageRoot()]): string {
  for (const folder of from) {
    const direct = resolved(folder, `${PACKAGE}/package.json`);
    const clinic = resolved(folder, 'clinic/package.json');
    const found = direct ?? (clinic === null ? null : resolved(dirname(clinic), `${PACKAGE}/package.json`));
    if (found !== null) return dirname(found);
  }
  throw new InputError(
    `The package ${PACKAGE} is not installed here. Add it with "npm i -D ${PACKAGE}" (-g beside a global evdiag), or leave --second-opinion out.`,
  );
}

function resolved(folder: string, name: string): string | null {
  try {
    return createRequire(join(folder, 'package.json')).resolve(name);
  } catch {
    return null;
  }
}

/** Lets clinic doctor judge the recording in a child process. What goes wrong there is an answer, too. */
export async function askDoctor(recording: Recording, doctor: string, timeoutMs = TIMEOUT_MS): Promise<Asked> {
  // What it collected itself it judges as it is.
  if (recording.foreign === 'clinic doctor' && recording.path !== null) {
    return { answer: await judged(doctor, recording.path, timeoutMs), sampleCount: null };
  }
  const parent = mkdtempSync(join(tmpdir(), `evdiag-clinic-${process.pid}-`));
  try {
    const made = doctorFolder(recording);
    const folder = writeFolder(made, parent);
    return { answer: await judged(doctor, folder, timeoutMs), sampleCount: made.sampleCount };
  } catch (error) {
    // The report is there, whatever becomes of this.
    if (error instanceof InputError) return { answer: { error: error.message }, sampleCount: null };
    throw error;
  } finally {
    rmSync(parent, { recursive: true, force: true });
  }
}

async function judged(doctor: string, folder: string, timeoutMs: number): Promise<Answer> {
  const { NODE_OPTIONS: _, ...env } = process.env;
  const child = fork(builtFile('clinic-judge.cjs'), [doctor, folder], {
    env,
    execArgv: [],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const { show, clear } = progressLine();
  const start = performance.now();
  const tell = (): void =>
    show(`clinic doctor judges the recording: ${Math.floor((performance.now() - start) / 1000)} s`);
  tell();
  const timer = setInterval(tell, 1000);
  try {
    return await answerOf(child, timeoutMs);
  } finally {
    clearInterval(timer);
    clear();
    child.kill('SIGKILL');
  }
}

function answerOf(child: ChildProcess, timeoutMs: number): Promise<Answer> {
  return new Promise((resolve) => {
    const late = { error: `It gave no verdict within ${formatMs(timeoutMs)} and was ended.` };
    const timer = setTimeout(() => resolve(late), timeoutMs);
    const settle = (answer: Answer): void => {
      clearTimeout(timer);
      resolve(answer);
    };
    child.on('message', (answer: Answer) => settle(answer));
    child.on('error', ({ message }) => settle({ error: message }));
    child.on('exit', (code, signal) => settle({ error: `Its process ended with ${signal ?? `exit code ${code}`}.` }));
  });
}
