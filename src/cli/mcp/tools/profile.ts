import { connect } from '../../../attach/connect.ts';
import { MAX_RECENT_MS } from '../../../protocol/profile-parts.ts';
import { InputError } from '../../../util/input-error.ts';
import { isNamedAsProfile } from '../../profile/profile-folder.ts';
import { inputProfile, isFolder } from '../../profile/profile-input.ts';
import { recordRecent } from '../../profile/record-profile.ts';
import { LIMIT, PID } from '../fields.ts';
import { profileAnswer } from '../profile-answer.ts';
import type { Tool } from '../types.ts';

const FIELDS = {
  pid: PID,
  seconds: {
    type: 'number',
    least: 1,
    most: MAX_RECENT_MS / 1000,
    description: 'With pid: of how many of the last seconds. Default: 30.',
  },
  file: {
    type: 'string',
    description:
      'Instead of pid: a profile (.cpuprofile, .heapprofile, pprof, speedscope, collapsed stacks …), or a folder, of which the newest profile is read.',
  },
  thread: { type: 'string', description: 'Only this thread, such as "main" or "worker 2".' },
  limit: LIMIT,
} as const;
const DEFAULT = 15;
const DEFAULT_S = 30;

export const profile: Tool<typeof FIELDS> = {
  id: 'profile',
  title: 'Profile summary',
  description:
    'Where the time (or memory) goes: functions by their own share, with file, line and source, and the share of the program, its packages, Node.js and the garbage collector. Of the last seconds of a process that runs with the agent, which costs it nothing more, or of a profile in a file.',
  isAction: false,
  fields: FIELDS,
  async run({ pid, seconds = DEFAULT_S, file, thread, limit = DEFAULT }) {
    if ((pid === undefined) === (file === undefined)) throw new InputError('Give "pid" or "file".');
    const only = thread === undefined ? {} : { thread };
    if (file !== undefined) return profileAnswer(inputProfile(named(file), only), { limit });
    const connection = await connect(pid!);
    try {
      const { problems: _, ...recent } = await recordRecent(connection, seconds * 1000);
      return profileAnswer({ title: '', ...recent }, { limit, ...only });
    } finally {
      connection.close();
    }
  },
};

/** Any text with numbers is a list of stacks: what is not named as a profile is not shown. Throws InputError. */
function named(path: string): string {
  if (isFolder(path) || isNamedAsProfile(path)) return path;
  throw new InputError(`"${path}" is not named as a profile is, such as app.cpuprofile or stacks.collapsed.`);
}
