import { EVENT_WORDS, EventKind, KIND_BITS, TICKS_PER_US } from '../../../src/protocol/async-trace.ts';
import { load, max, monotonicMs, round, store } from '../../primordials.ts';
import { MAX_CAPTURE_EVENTS, RING_EVENTS, type TraceMemory, TraceWord } from '../../shared-trace.ts';

const TICKS_PER_MS = TICKS_PER_US * 1000;

/**
 * Writes events where the watchdog reads them. Nothing is allocated for an event; events without room are counted.
 * `onOver` is called, perhaps more than once, when the capture should end: it has all the events that fit, or
 * nobody has ended it in time.
 */
export function createEventRing({ control, events }: TraceMemory, startMs: number, lastMs: number, onOver: () => void) {
  let head = 0;
  let tail = 0;
  let lost = 0;
  let closed = false;

  const put = (kind: number, type: number, id: number, other: number, site: number, ticks: number): void => {
    const at = (head % RING_EVENTS) * EVENT_WORDS;
    events[at] = kind | (type << KIND_BITS);
    events[at + 1] = id;
    events[at + 2] = other;
    events[at + 3] = site;
    events[at + 4] = ticks;
    head++;
  };
  /** For `count` events. */
  const isRoom = (count: number): boolean => {
    if (head + count - tail <= RING_EVENTS) return true;
    tail = load(control, TraceWord.Tail);
    return head + count - tail <= RING_EVENTS;
  };
  const end = (): void => {
    closed = true;
    onOver();
  };

  return {
    /** Ids are cut to their low 32 bits. */
    write(kind: number, type: number, id: number, other: number, site: number, atMs = monotonicMs()): void {
      if (closed) return;
      const ms = atMs - startMs;
      if (ms > lastMs) {
        end();
        return;
      }
      if (!isRoom(lost > 0 ? 2 : 1)) {
        lost++;
        control[TraceWord.Dropped]!++;
        return;
      }
      const ticks = ms * TICKS_PER_MS;
      if (lost > 0) put(EventKind.Lost, 0, lost, 0, 0, ticks);
      lost = 0;
      put(kind, type, id, other, site, ticks);
      store(control, TraceWord.Head, head);
      if (head < MAX_CAPTURE_EVENTS) return;
      store(control, TraceWord.FullMs, max(1, round(ms)));
      end();
    },
    close(): void {
      closed = true;
    },
  };
}

export type Write = ReturnType<typeof createEventRing>['write'];
