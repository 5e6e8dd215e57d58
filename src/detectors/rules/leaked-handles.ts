import type { UnfinishedEntry } from '../../recording/types.ts';
import { nameOf } from '../code-words.ts';
import { CONFIDENCE } from '../confidence.ts';
import { type Growth, type GrowthEvidence, growthEvidence, growthOf, growthText, growthWords } from '../growth.ts';
import { KEEPS_MEMORY } from '../heap-growth.ts';
import { countText, onePerLine, placeFinding } from '../place-findings.ts';
import { percent, secondsText } from '../severity.ts';
import type { Detector, Finding, KindText } from '../types.ts';
import { PERIOD_ROWS, type Period, type Place, periodsOf, placesOf } from '../unfinished.ts';
import { FOLLOWED_IN_PART } from '../unseen.ts';
import { isPooled } from '../waits.ts';

/** Above the size of common pools (10), with room for two of them. */
const GROWN_HANDLES = 20;
/** Sockets, files, servers and processes hold system resources. */
const GROWN_OF_SYSTEM = 10;
/** If fewer keep the process alive, their end was planned for. */
const REFERENCED_SHARE = 0.5;

/** Timers that fire again and again: Node's own, and those that their callback starts anew. */
const REPEATED: readonly string[] = ['interval', 're-armed'];

/** Node's names of resources that are open until they are closed, by kind; without those that the garbage collector ends. */
const TYPES: Record<string, readonly string[]> = {
  timers: ['Timeout'],
  sockets: ['HTTP2SESSION', 'JSUDPWRAP', 'PIPEWRAP', 'QUIC_SESSION', 'TCPWRAP', 'TLSWRAP', 'UDPWRAP'],
  files: ['DIRHANDLE', 'FILEHANDLE', 'FILESTREAM', 'FSEVENTWRAP', 'STATWATCHER'],
  servers: ['HTTP2SERVERSESSION', 'PIPESERVERWRAP', 'TCPSERVERWRAP'],
  processes: ['PROCESSWRAP'],
  other: ['MESSAGEPORT', 'SIGNALWRAP', 'TTYWRAP'],
};

const kindText = (kind: string, title: string, remedy: string, example: string): KindText => ({
  kind,
  title,
  remedy,
  example,
});

export interface HandlesEvidence extends GrowthEvidence {
  /** Node's name of the resource. */
  type: string;
  /** Those alive that keep the process alive. */
  referenced: number;
}

const READS = [...PERIOD_ROWS] as const;

export const leakedHandles: Detector<HandlesEvidence, typeof READS> = {
  id: 'leaked-handles',
  title: 'leaked handles',
  description:
    'Timers, sockets, files, servers or child processes are opened at one line, more and more of them, and are not closed. Pools ' +
    "that reach their size, sockets of Node's HTTP clients, incoming connections and one-shot timers are ignored.",
  remedy: 'Close what you open, in a finally block or with `await using`, also where the work failed.',
  reads: READS,
  needs: ['unfinished'],
  thresholds: [
    `warning: ${GROWN_HANDLES} alive from one place (sockets, files, servers and processes: ${GROWN_OF_SYSTEM}), ${growthText('closed')}.`,
    `ignored: if less than ${percent(REFERENCED_SHARE)} of the timers are referenced and it is unknown whether they are intervals; if as many connections or requests from outside are open.`,
  ],
  limits: ['Files that are opened with callbacks (`fs.open`), or without node:fs, are not seen.', FOLLOWED_IN_PART],
  kinds: [
    kindText(
      'files',
      'open files and watchers',
      'Close the file in a finally block, or declare it with `await using`; close watchers with whoever wanted them.',
      'const file = await open(path); return read(file);                       // stays open\nconst file = await open(path); try { return await read(file); } finally { await file.close(); }',
    ),
    kindText(
      'other',
      'ports and other handles',
      'Close the handle in a finally block, as with `port.close()`.',
      'const { port1, port2 } = new MessageChannel(); … // both keep alive\nport1.close();                                   // closes both',
    ),
    kindText(
      'processes',
      'child processes',
      'End the child when its caller is done: pass a `signal`, or call `kill()` in a finally block.',
      "spawn('tail', ['-f', file]);             // runs forever\nspawn('tail', ['-f', file], { signal }); // ends with its caller",
    ),
    kindText(
      'servers',
      'listening servers',
      'Close the server in a finally block; a test or a job needs one only while it runs.',
      'const server = createServer(answer).listen(0); await job(server);\ntry { await job(server); } finally { server.close(); }',
    ),
    kindText(
      'sockets',
      'open sockets',
      'Destroy the socket when its work is done or has failed, or take it from a pool of bounded size.',
      'const socket = connect(port); await ask(socket);\ntry { await ask(socket); } finally { socket.destroy(); }',
    ),
    kindText(
      'timers',
      'timers that are never cleared',
      'Clear the timer where its work ends: `clearInterval` in a finally block or on close.',
      "setInterval(refresh, 1000);                                                // one per request\nconst timer = setInterval(refresh, 1000); request.on('close', () => clearInterval(timer));",
    ),
  ],
  detect: (recording) => onePerLine(periodsOf(recording).flatMap(leaked)),
  explains: [{ rule: 'leaked-listeners' }, ...KEEPS_MEMORY],
  words: (evidence) => [...growthWords(evidence), `${evidence.referenced} keep the process alive`],
};

function leaked(period: Period): Finding<HandlesEvidence>[] {
  return placesOf(period, 'handle').flatMap((place) => {
    const { entry } = place.last;
    const kind = Object.keys(TYPES).find((name) => TYPES[name]!.includes(entry.type));
    if (kind === undefined || isPooled(entry) || endsByItself(entry)) return [];
    const growth = growthOf(place, kind === 'timers' || kind === 'other' ? GROWN_HANDLES : GROWN_OF_SYSTEM);
    return growth === null || growth.inbound ? [] : [toFinding(place, kind, growth)];
  });
}

/** A timer with a delay fires once. If that is not known, one that does not keep the process alive is likely intended. */
function endsByItself({ type, detail, alive, referenced }: UnfinishedEntry): boolean {
  if (type !== 'Timeout' || REPEATED.includes(detail)) return false;
  return detail !== '' || referenced < alive * REFERENCED_SHARE;
}

function toFinding(place: Place, kind: string, growth: Growth): Finding<HandlesEvidence> {
  const { alive, grown, oldestMs, spanMs } = growth;
  const what = kind === 'other' ? `handles (${place.last.entry.type})` : kind;
  return placeFinding(leakedHandles, {
    kind,
    severity: 'warning',
    message: `${countText(place, alive)} ${what} opened in ${nameOf(place.location)} are alive, ${grown} more than ${secondsText(spanMs)} earlier, the oldest for ${secondsText(oldestMs)}.`,
    place,
    count: alive,
    confidence: CONFIDENCE.counted,
    evidence: { type: place.last.entry.type, ...growthEvidence(growth), referenced: place.last.entry.referenced },
  });
}
