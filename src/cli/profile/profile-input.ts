import { statSync } from 'node:fs';
import { InvalidArgumentError, Option } from 'commander';
import { type Cut, cutProfile } from '../../profile/cut.ts';
import { readProfile } from '../../profile/read-profile.ts';
import { PROFILE_CATEGORIES, type Profile, type ProfileCategory } from '../../profile/types.ts';
import { InputError } from '../../util/input-error.ts';
import { numberBetween } from '../options.ts';
import { complain } from '../output.ts';
import { profilesIn } from './profile-folder.ts';
import { type Moment, type MomentOptions, momentOf } from './profile-moment.ts';

/** The newest ones that are searched for a stall or a finding. */
const MAX_SEARCHED = 20;

export interface CutOptions extends MomentOptions {
  thread?: string;
  from?: number;
  to?: number;
  focus?: string;
  ignore?: string;
  hide?: string;
  category?: ProfileCategory[];
}

export function cutOptions(): Option[] {
  return [
    new Option('--thread <name>', 'only this thread, e.g. "main" or "worker 2"'),
    new Option('--from <seconds>', 'only after this time in the profile').argParser(numberBetween(0, 1e6)),
    new Option('--to <seconds>', 'only before this time in the profile').argParser(numberBetween(0, 1e6)),
    new Option('--stall <which>', 'only during a stall in the recording: longest, last, or its number'),
    new Option('--finding <which>', 'only during a finding: its rule, or its number in "evdiag report"'),
    new Option(
      '--recording <folder>',
      'recording for --stall and --finding (default: beside the profile, or by process ID)',
    ),
    new Option(
      '--category <names>',
      `only these categories, comma-separated: ${PROFILE_CATEGORIES.join(', ')}`,
    ).argParser(toCategories),
    new Option('--focus <pattern>', 'only stacks that contain a matching function or file, from there on'),
    new Option('--ignore <pattern>', 'only stacks without a matching function or file'),
    new Option('--hide <pattern>', 'leave matching functions and files out: their time counts for their callers'),
  ];
}

/** Reads a profile, or the newest one in a folder, and cuts it as the options say. Throws InputError. */
export function inputProfile(path: string, options: CutOptions = {}): Profile {
  const files = isFolder(path) ? profilesIn(path) : [path];
  if (options.stall === undefined && options.finding === undefined) {
    if (options.recording !== undefined) throw new InputError('--recording goes with --stall or --finding.');
    return partOf(readProfile(files[0]!), path, options);
  }
  const { profile, moment } = withMoment(files, options);
  complain(moment.words);
  return partOf(profile, path, options, moment);
}

/** Of several profiles the one with the most of the stall or finding. */
function withMoment(files: readonly string[], options: CutOptions): { profile: Profile; moment: Moment } {
  const found: { profile: Profile; moment: Moment }[] = [];
  let failure: unknown;
  for (const file of files.slice(0, MAX_SEARCHED)) {
    try {
      const profile = readProfile(file);
      const { threads } = partOf(profile, file, { ...(options.thread !== undefined && { thread: options.thread }) });
      const [thread, other] = threads;
      if (!thread || other) throw new InputError(`"${file}" has several threads: choose one with --thread.`);
      found.push({ profile, moment: momentOf(file, thread, options) });
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      failure ??= error;
    }
  }
  const best = found.sort(({ moment: a }, { moment: b }) => b.rank[0] - a.rank[0] || b.rank[1] - a.rank[1])[0];
  if (!best) throw failure;
  return best;
}

function partOf(profile: Profile, path: string, options: CutOptions, moment?: Moment): Profile {
  const { thread, from, to, focus, ignore, hide, category } = options;
  const cut: Cut = {
    ...(thread !== undefined && { thread }),
    ...(from !== undefined && { fromMs: from * 1000 }),
    ...(to !== undefined && { toMs: to * 1000 }),
    ...(moment && { ranges: moment.ranges }),
    ...(category && { categories: category }),
    ...(focus !== undefined && { focus: toPattern(focus) }),
    ...(ignore !== undefined && { ignore: toPattern(ignore) }),
    ...(hide !== undefined && { hide: toPattern(hide) }),
  };
  const part = cutProfile(profile, cut);
  if (!part) throw new InputError(`"${path}" has no times: --from and --to need a CPU profile with samples.`);
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
    throw new InputError(`"${text}" is not a regular expression. Put \\ before its special characters.`);
  }
}

function toCategories(text: string): ProfileCategory[] {
  return text.split(',').map((part) => {
    const name = PROFILE_CATEGORIES.find((one) => one === part.trim());
    if (name) return name;
    throw new InvalidArgumentError(`There are ${PROFILE_CATEGORIES.join(', ')}.`);
  });
}

export function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false; // Reading it says why.
  }
}
