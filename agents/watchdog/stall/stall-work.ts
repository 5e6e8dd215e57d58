/** Whose work a stall was, and who waited meanwhile. */
import type { InterruptedStack, WorkDuring } from '../../../src/protocol/thread-api.ts';
import type { StallRow, Work } from '../../../src/recording/types.ts';
import { type SharedMemory, Word } from '../../shared-memory.ts';

/** The work took most of the stall. */
const MOST = 0.5;
/** Different requests of one stall: a turn of the loop may have hundreds. */
const MAX_ITEMS = 64;

/** By the time that was seen to be of each request or job. */
export class StallWork {
  readonly #weights = new Map<number, { work: Work | null; weightMs: number }>();
  #seenMs = 0;

  /** Of a stack, with the time that it accounts for; `late`: it was taken after a native call, perhaps in other work. */
  addStack({ work }: Pick<InterruptedStack, 'work'>, weightMs: number, late: boolean): void {
    if (late && this.#weights.size > 0) return;
    this.#seenMs += weightMs;
    if (work) this.#add(work.id, { kind: work.kind, name: work.name }, weightMs);
  }

  /** Of a marked call, whose site has just been read. */
  addMarked({ control }: Pick<SharedMemory, 'control'>, weightMs: number): void {
    this.#seenMs += weightMs;
    const id = Atomics.load(control, Word.SiteWork);
    if (id > 0) this.#add(id, null, weightMs);
  }

  /** To be asked by these: names may be known only later. */
  ids(): number[] {
    return [...this.#weights.keys()];
  }

  /** For the row: `during` has the names as they are known now. */
  parts(during: WorkDuring | null): Pick<StallRow, 'work' | 'waited'> {
    const names = new Map(during?.names);
    const byName = new Map<string, { work: Work; weightMs: number }>();
    for (const [id, { work, weightMs }] of this.#weights) {
      const named = names.get(id) ?? work;
      if (!named) continue;
      const sum = byName.get(`${named.kind} ${named.name}`) ?? { work: named, weightMs: 0 };
      sum.weightMs += weightMs;
      byName.set(`${named.kind} ${named.name}`, sum);
    }
    const [first] = [...byName.values()].sort((a, b) => b.weightMs - a.weightMs);
    const waited = during?.waited ?? [];
    return {
      ...(first && first.weightMs >= this.#seenMs * MOST && { work: first.work }),
      ...(waited.length > 0 && { waited }),
    };
  }

  #add(id: number, work: Work | null, weightMs: number): void {
    const known = this.#weights.get(id);
    if (known) {
      known.weightMs += weightMs;
      known.work ??= work;
    } else if (this.#weights.size < MAX_ITEMS) this.#weights.set(id, { work, weightMs });
  }
}
