import { lineKey } from '../../recording/places.ts';
import { type ConnectionsEntry, rowsOf, type View } from '../../recording/types.ts';
import { formatMs, formatShare, plural } from '../../util/text.ts';
import { nameOf } from '../code-words.ts';
import { CONFIDENCE } from '../confidence.ts';
import { findingOf, fragments } from '../finding.ts';
import { LEAST_SPAN_MS } from '../limits.ts';
import { onePerLine } from '../place-findings.ts';
import { round, secondsText } from '../severity.ts';
import type { Detector, Finding } from '../types.ts';

/** Fewer are the warm-up of a pool, or a short program. */
const AVOIDABLE = 20;
/** Of the requests: others may have good reasons, such as a peer that closes. */
const AVOIDABLE_SHARE = 0.5;
/** More than this part of the time until an answer begins is worth a change. */
const CONNECT_SHARE = 0.1;
/** A port stays taken for a minute after its connection: at ten a second 600 of 28 000 are. */
const PER_SECOND = 10;

const REASONS = ['client', 'off', 'close'] as const;
type Reason = (typeof REASONS)[number];
const KINDS: { [K in Reason]: string } = { client: 'new-client', off: 'no-keep-alive', close: 'asks-to-close' };
const WHY: { [K in Reason]: string } = {
  client: 'each by a new client or agent',
  off: 'as its agent keeps none',
  close: 'as each asks to close it',
};

const CLIENT_REMEDY =
  'Make the client, pool or agent once, outside of the function, and use it for all requests: new Agent({ keepAlive: true }).';
const OFF_REMEDY = 'Give requests an agent that keeps its connections: new Agent({ keepAlive: true }), made once.';
const CLOSE_REMEDY =
  'Leave out the header `Connection: close`, so that the connection can be used for the next request.';

export interface ChurnEvidence {
  origin: string;
  requests: number;
  /** Connections that were opened for them, and how many of these need not have been. */
  opened: number;
  avoidable: number;
  /** Until a connection was there, and until an answer began, on average; null if not measured. */
  connectMs: number | null;
  requestMs: number | null;
}

const READS = ['unfinished', 'connections'] as const;

export const connectionChurn: Detector<ChurnEvidence, typeof READS> = {
  id: 'connection-churn',
  title: 'connections opened for single requests',
  description:
    'Requests to the same origin open a new connection each, although one that is idle could be used: a new client or agent for each request, ' +
    'keep-alive switched off, or a request that asks to close. Each pays for the look-up of the name and the handshakes, and leaves a port in TIME_WAIT.',
  remedy: OFF_REMEDY,
  reads: READS,
  needs: ['unfinished'],
  thresholds: [
    `warning: ${AVOIDABLE} connections within ${secondsText(LEAST_SPAN_MS)} or longer, for ${formatShare(AVOIDABLE_SHARE)} of the requests of a line, though fewer requests were under way than there had been connections; and connecting takes ${formatShare(CONNECT_SHARE)} of the time until the answer, or ${PER_SECOND} were opened in a second.`,
    'info: the same, where connecting is cheap and rare.',
  ],
  limits: [
    'Requests of node:http, node:https, fetch and undici are seen; connections of other protocols are not.',
    'Where the other side closes, or nothing was asked for longer than servers keep a connection, nothing is reported.',
    'Whether a server would keep the connection is not known where the request asks to close it.',
  ],
  kinds: [
    {
      kind: 'new-client',
      title: 'a new client for each request',
      remedy: CLIENT_REMEDY,
      example:
        'const get = (url) => request(url, { agent: new Agent() });     // a connection for each\nconst agent = new Agent({ keepAlive: true });\nconst get = (url) => request(url, { agent });',
    },
    {
      kind: 'no-keep-alive',
      title: 'keep-alive switched off',
      remedy: OFF_REMEDY,
      example:
        'const agent = new Agent({ keepAlive: false });                 // closes after each answer\nconst agent = new Agent({ keepAlive: true });',
    },
    {
      kind: 'asks-to-close',
      title: 'requests that ask to close',
      remedy: CLOSE_REMEDY,
      example:
        "get(url, { agent, headers: { connection: 'close' } });         // whatever the agent keeps\nget(url, { agent });",
    },
  ],
  explains: [{ rule: 'repeated-lookups' }],
  detect: (recording) => onePerLine(largest(recording).flatMap((entry) => toFinding(entry) ?? [])),
  words: ({ opened, requests, connectMs }) =>
    fragments(
      `${plural(Math.round(opened), 'connection')} for ${plural(Math.round(requests), 'request')}`,
      connectMs !== null && `${formatMs(connectMs)} to connect`,
    ),
};

/** Of each line and origin the most: counts begin anew with each period of tracking. */
function largest(recording: View<(typeof READS)[number]>): ConnectionsEntry[] {
  const byPlace = new Map<string, ConnectionsEntry>();
  for (const { entries } of rowsOf(recording, 'connections')) {
    for (const entry of entries) {
      const key = `${entry.origin} ${entry.location ? lineKey(entry.location) : ''}`;
      const other = byPlace.get(key);
      if (!other || entry.avoidable >= other.avoidable) byPlace.set(key, entry);
    }
  }
  return [...byPlace.values()];
}

function toFinding(entry: ConnectionsEntry): Finding<ChurnEvidence> | null {
  const { origin, location, requests, opened, avoidable, reasons, connectMs, requestMs, spanMs } = entry;
  if (avoidable < AVOIDABLE || avoidable < requests * AVOIDABLE_SHARE || spanMs < LEAST_SPAN_MS) return null;
  const reason = REASONS.reduce((most, one) => (reasons[one] > reasons[most] ? one : most));
  const perSecond = avoidable / (spanMs / 1000);
  const isDear = connectMs !== null && requestMs !== null && connectMs >= requestMs * CONNECT_SHARE;
  const whose = location ? nameOf(location) : 'The program';
  const each =
    connectMs === null ? '' : `; connecting took ${formatMs(connectMs)} of ${formatMs(requestMs ?? connectMs)} each`;
  return findingOf(connectionChurn, {
    kind: KINDS[reason],
    severity: isDear || perSecond >= PER_SECOND ? 'warning' : 'info',
    message: `${whose} opened ${Math.round(opened)} connections to ${origin} for ${Math.round(requests)} requests within ${secondsText(spanMs)}, ${WHY[reason]}${each}.`,
    location,
    stack: location ? [location, ...entry.callers] : [],
    count: Math.round(avoidable),
    confidence: location ? CONFIDENCE.compared : CONFIDENCE.indirect,
    evidence: {
      ...{ origin, requests: Math.round(requests), opened: Math.round(opened), avoidable: Math.round(avoidable) },
      ...{ connectMs: connectMs && round(connectMs), requestMs: requestMs && round(requestMs) },
    },
    lostMs: avoidable * (connectMs ?? 1),
  });
}
