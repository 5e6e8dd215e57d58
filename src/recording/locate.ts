/** Finds the files of the recordings that an input means: a recording, a family of them, or a folder of families. */
import { readdirSync, type Stats, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { notRegular } from '../util/regular-file.ts';
import { accessError, HINT, hintFor, InputError } from './input-error.ts';
import { OLDER_FILE, RECORDING_FILE } from './paths.ts';

const FAMILY_NAME = /^\d{8}-\d{6}-\d+$/;

/** The files of one recording, oldest first. */
export type Source = string[];

/** `input` is the path as the user gave it, for messages. Throws InputError. */
export function locate(path: string, input: string): { path: string; sources: Source[] } {
  const stats = statOf(path, input);
  if (stats.isFile()) {
    const source = basename(path) === RECORDING_FILE ? sourceIn(dirname(path)) : null;
    return { path: dirname(path), sources: [source ?? [path]] };
  }
  if (!stats.isDirectory()) throw notRegular(input, HINT);
  const own = sourceIn(path);
  if (own !== null) return { path, sources: [own] };
  const folders = foldersIn(path, input);
  const sources = folders.map((name) => sourceIn(join(path, name))).filter((source) => source !== null);
  return sources.length > 0 ? { path, sources } : newestFamily(path, folders, input);
}

function newestFamily(path: string, folders: string[], input: string): { path: string; sources: Source[] } {
  const names = folders.filter((name) => FAMILY_NAME.test(name)).sort(byFamilyName);
  for (const name of names.reverse()) {
    const family = join(path, name);
    const sources = foldersIn(family, input).map((child) => sourceIn(join(family, child)));
    const found = sources.filter((source) => source !== null);
    if (found.length > 0) return { path: family, sources: found };
  }
  throw new InputError(`"${input}" is not a recording: it has no ${RECORDING_FILE}. ${hintFor(input)}`);
}

/** By date and time, then by pid as a number. */
function byFamilyName(a: string, b: string): number {
  const when = a.slice(0, 15).localeCompare(b.slice(0, 15));
  return when !== 0 ? when : Number(a.slice(16)) - Number(b.slice(16));
}

function sourceIn(folder: string): Source | null {
  const files = [OLDER_FILE, RECORDING_FILE].map((name) => join(folder, name)).filter((file) => exists(file));
  return files.length > 0 ? files : null;
}

function exists(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return true; // no access: opening it says why
  }
}

function foldersIn(path: string, input: string): string[] {
  try {
    return readdirSync(path).filter((name) => isFolder(join(path, name)));
  } catch (error) {
    throw accessError(error, input);
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false; // a dangling link, or no access
  }
}

function statOf(path: string, input: string): Stats {
  try {
    return statSync(path);
  } catch (error) {
    throw accessError(error, input);
  }
}
