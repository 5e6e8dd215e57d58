/** What a tool said of a program: nothing, a category of the right kind, or the line. Pure. */

/** What ails a program, in the categories that tools of this kind have. */
export type Ailment = 'blocked loop' | 'waiting' | 'memory' | 'handles' | 'listeners';

/** Ten of different kinds, fixed before any tool saw them. */
export const COMPARED: Readonly<Record<string, Ailment>> = {
  'bcryptjs-compare-sync': 'blocked loop',
  'better-sqlite3-scan': 'blocked loop',
  'marked-redos': 'blocked loop',
  'pg-unreleased-client': 'waiting',
  'p-limit-nested': 'waiting',
  'ioredis-silent-server': 'waiting',
  'node-fetch-unread-body': 'waiting',
  'read-stream-aborted': 'handles',
  'lru-cache-unbounded': 'memory',
  'winston-logger-per-request': 'listeners',
};

/** What clinic doctor calls it. It has no word for handles and listeners. */
const DOCTORS: Readonly<Record<Ailment, readonly string[]>> = {
  'blocked loop': ['event-loop'],
  waiting: ['io'],
  memory: ['gc'],
  handles: [],
  listeners: [],
};
/** A tool that lists a few of a program's own sockets and timers has said nothing about it. */
const MANY_HANDLES = 20;

export interface Said {
  verdict: 'nothing' | 'a category' | 'the line';
  /** In short, or null. */
  words: string | null;
}

export function doctorSaid(ailment: Ailment, category: string): Said {
  const isRight = DOCTORS[ailment].includes(category);
  return { verdict: isRight ? 'a category' : 'nothing', words: category };
}

export function blockedAtSaid(
  name: string,
  ailment: Ailment,
  guilty: readonly number[],
  lines: readonly string[],
): Said {
  const blocks = lines.filter((line) => line.startsWith('blocked'));
  if (ailment !== 'blocked loop' || blocks.length === 0)
    return { verdict: 'nothing', words: blocks.length > 0 ? `${blocks.length} blocks` : null };
  return { verdict: namesLine(name, guilty, blocks) ? 'the line' : 'a category', words: `${blocks.length} blocks` };
}

/** Of the two that list what is open; their lists are a category where they are long and handles are what it is about. */
export function handlesSaid(name: string, ailment: Ailment, guilty: readonly number[], lines: readonly string[]): Said {
  const counted = lines.filter((line) => /^# |^ {2}- /.test(line)).length;
  const words = counted > 0 ? `${counted} handles` : null;
  if (namesLine(name, guilty, lines)) return { verdict: 'the line', words };
  const isCategory = (ailment === 'handles' || ailment === 'waiting') && counted >= MANY_HANDLES;
  return { verdict: isCategory ? 'a category' : 'nothing', words };
}

function namesLine(name: string, guilty: readonly number[], lines: readonly string[]): boolean {
  return guilty.some((line) => new RegExp(`/programs/${name}\\.cjs:${line}\\b`).test(lines.join('\n')));
}
