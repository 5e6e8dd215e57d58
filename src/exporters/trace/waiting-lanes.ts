import type { UnfinishedEntry } from '../../recording/types.ts';
import { fullPlace } from './text.ts';
import type { ThreadEvent } from './types.ts';

/** One lane for each place whose calls were seen waiting, from the oldest to when the last was gone. */
export function createWaitingLanes(add: (event: ThreadEvent) => void, at: (ms: number) => number, owner: string) {
  const open = new Map<string, { t: number; name: string }>();
  const close = (id: string, t: number): void => {
    add({ ph: 'e', cat: 'async', id: `${owner}.${id}`, name: open.get(id)!.name, ts: at(t) });
    open.delete(id);
  };
  return {
    see(t: number, entry: UnfinishedEntry): void {
      const { what, type, alive, oldestMs, location, created, ended, code } = entry;
      const id = `${what} ${type} ${fullPlace(location)}`;
      const isOpen = open.get(id);
      if (alive === 0) {
        if (isOpen) close(id, t);
        return;
      }
      const name = isOpen?.name ?? [what, what === 'await' ? code : type, location?.function].filter(Boolean).join(' ');
      const common = { cat: 'async', id: `${owner}.${id}`, name };
      if (!isOpen) add({ ...common, ph: 'b', ts: at(Math.max(0, t - oldestMs)), args: { at: fullPlace(location) } });
      add({ ...common, ph: 'n', ts: at(t), args: { alive, created, ended, oldestMs: Math.round(oldestMs) } });
      open.set(id, { t, name });
    },
    end(t: number): void {
      for (const id of [...open.keys()]) close(id, t);
    },
  };
}
