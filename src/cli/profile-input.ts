import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Option } from 'commander';
import { type Cut, cutProfile } from '../profile/cut.ts';
import { readProfile } from '../profile/read-profile.ts';
import type { Profile } from '../profile/types.ts';
import { InputError } from '../util/input-error.ts';
import { numberBetween } from './options.ts';

const PROFILE = /\.(cpuprofile|heapprofile|pb(\.gz)?|pprof|speedscope(\.json)?|collapsed|folded)$/;
/** Folders in folders: a family of recordings. */
const MAX_DEPTH = 4;

export interface CutOptions {
  thread?: string;
  from?: number;
  to?: number;
  focus?: string;
}

export function cutOptions(): Option[] {
  return [
    new Option('--thread <name>', 'only that thread, "main" or "worker 2"'),
    new Option('--from <seconds>', 'only from this time of the profile on').argParser(numberBetween(0, 1e6)),
    new Option('--to <seconds>', 'only until this time').argParser(numberBetween(0, 1e6)),
    new Option('--focus <pattern>', 'only stacks with a function or file that matches; they begin there'),
  ];
}

/** Reads a profile, or the newest one in a folder, and cuts it as the options say. Throws InputError. */
export function inputProfile(path: string, { thread, from, to, focus }: CutOptions = {}): Profile {
  const profile = readProfile(isFolder(path) ? newestIn(path) : path);
  const cut: Cut = {
    ...(thread !== undefined && { thread }),
    ...(from !== undefined && { fromMs: from * 1000 }),
    ...(to !== undefined && { toMs: to * 1000 }),
    ...(focus !== undefined && { focus: toPattern(focus) }),
  };
  const part = cutProfile(profile, cut);
  if (!part) throw new InputError(`"${path}" does not tell times: --from and --to need a CPU profile with samples.`);
  if (part.threads.length === 0) {
    throw new InputError(
      `No thread is named "${thread}". There are: ${profile.threads.map(({ name }) => name).join(', ')}.`,
    );
  }
  return part;
}

function toPattern(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch {
    throw new InputError(`"${text}" is no regular expression. Put \\ before its special characters.`);
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function newestIn(folder: string): string {
  const found: { path: string; at: number }[] = [];
  const look = (at: string, depth: number): void => {
    for (const entry of readdirSync(at, { withFileTypes: true })) {
      const path = join(at, entry.name);
      if (entry.isDirectory() && depth < MAX_DEPTH) look(path, depth + 1);
      else if (entry.isFile() && PROFILE.test(entry.name)) found.push({ path, at: statSync(path).mtimeMs });
    }
  };
  look(folder, 0);
  const newest = found.sort((a, b) => b.at - a.at)[0];
  if (!newest) throw new InputError(`There is no profile in "${folder}". Take one with "evdiag record PID".`);
  return newest.path;
}
