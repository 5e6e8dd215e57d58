import { exp, log, max, min, NativeNumber } from '../../primordials.ts';

/** How often it is looked whether hooks can stay. */
const CHECK_MS = 250;
/** Saved at most, while less is spent than may be: what a busy moment may take. */
const SAVED_MS = 20_000;
const MOST_SAVED_MS = 1000;
/** Stacks may use up what was saved in so long. */
const SPEND_SAVED_MS = 5000;
/** Where others take the cores, what was saved is no longer needed: some 2/3 of what is too much goes in so long. */
const FORGET_MS = 5000;
/** Windows are as long as each other on a logarithmic scale: short ones give rates, long ones catch what takes a while. */
const WINDOW_MS = { least: 100, most: 2000 };
/** The pause before a window, against the one that its cost asks for: at random, so that no rhythm of the program is in step with it. */
const PAUSE_FACTOR = { least: 0.5, most: 1.5 };
const PAUSE_MS = { least: 100, most: 600_000 };
/** On a hint: so long, with this share at least, in short windows; later pauses pay for it. */
const HINT_MS = 15_000;
const HINT_SHARE = 0.1;
const HINT_WINDOW_MS = { least: 150, most: 500 };
/** Whoever owes more, gets no more: this much of the budget. */
const HINT_DEBT_MS = 30_000;
/** The same for whoever looks through the hooks. */
const LOOK_DEBT_MS = 20_000;
/** What is spent while it is open, from one check to the next: the older weighs less. */
const NEW_WEIGHT = 0.3;
/** Before it is known: a thread that does nothing costs nothing. */
const FIRST_RATE = 0;

export interface GovernorOptions {
  now(): number;
  /** 0..1 */
  random(): number;
  /** After a hint; of the thread's own time, 0..1. */
  hintShare?: number;
}

/** Whether hooks are to be in from now on, and when to ask again. */
export interface Plan {
  open: boolean;
  waitMs: number;
}

/**
 * Decides when an observed thread is followed, so that it costs no more than a share of its time: always where that is
 * enough, else in windows of random length and place.
 */
export class Governor {
  readonly #now: () => number;
  readonly #random: () => number;
  /** What was asked for, and what that is of all time. */
  #budget: number;
  #share: number;
  /** Time that may be spent, ms: below zero it is owed. */
  #savedMs: number;
  #lastMs: number;
  #isOpen = true;
  /** Spent per ms while it is open. */
  #rate = FIRST_RATE;
  /** Of a window: when it is over. Zero: open for as long as it can be paid for. */
  #untilMs = 0;
  #reopenMs = 0;
  #windowMs = 0;
  #hintUntilMs = 0;
  readonly #hintShare: number;

  constructor(share: number, { now, random, hintShare = HINT_SHARE }: GovernorOptions) {
    this.#hintShare = hintShare;
    this.#now = now;
    this.#random = random;
    this.#budget = share;
    this.#share = share;
    this.#savedMs = mostSaved(share);
    this.#lastMs = now();
  }

  /** A share of the thread's time, from now on; `ownShare`: of all time, what is its own. */
  setShare(share: number, ownShare = 1): void {
    if (share > this.#budget) {
      this.#savedMs += mostSaved(share) - mostSaved(this.#budget);
      if (!this.#isOpen) this.#reopenMs = this.#now();
    }
    this.#budget = share;
    this.#share = share * ownShare;
  }

  /** There is reason to look; false where the last one is not paid for yet. */
  hint(): boolean {
    const now = this.#now();
    if (now < this.#hintUntilMs) return true;
    if (this.#savedMs < -this.#share * HINT_DEBT_MS) return false;
    this.#hintUntilMs = now + HINT_MS;
    if (!this.#isOpen) this.#reopenMs = now;
    return true;
  }

  /** A short window, now: later pauses pay for it. False where an earlier one is not paid for yet. */
  openNow(): boolean {
    if (this.#share <= 0 || this.#savedMs < -this.#share * LOOK_DEBT_MS) return false;
    this.#reopenMs = this.#now();
    this.#windowMs = HINT_WINDOW_MS.least;
    return true;
  }

  /** Of a second of hooks, what is left for stacks: as a share of that second. */
  stackShare(hookRate: number): number {
    const share = this.#currentShare();
    // In windows they are few beside what the hooks take anyway.
    if (this.#untilMs > 0) return max(share, hookRate / 2);
    // What a calm thread has saved is for them, too: each tells where something began.
    return max(share / 8, share * 0.8 - hookRate + max(0, this.#savedMs) / SPEND_SAVED_MS);
  }

  /** What was spent since the last call; `isHeld`: somebody else looks through the same hooks, they stay. */
  step(costMs: number, isHeld = false): Plan {
    const now = this.#now();
    const ms = max(0, now - this.#lastMs);
    this.#lastMs = now;
    // In a pause it saves for the next window, however long that takes.
    const most = this.#isOpen ? this.#mostSaved(ms) : NativeNumber.POSITIVE_INFINITY;
    this.#savedMs = min(most, this.#savedMs + this.#share * ms) - costMs;
    if (!this.#isOpen) return this.#whilePaused(now);
    if (ms > 0) this.#rate += (costMs / ms - this.#rate) * min(1, max(NEW_WEIGHT, ms / 1000));
    return this.#whileOpen(now, isHeld);
  }

  /** What was saved while the thread had more time is forgotten by and by. */
  #mostSaved(ms: number): number {
    const most = mostSaved(this.#share);
    return this.#savedMs <= most ? most : most + (this.#savedMs - most) * exp(-ms / FORGET_MS);
  }

  #currentShare(): number {
    if (this.#lastMs >= this.#hintUntilMs || this.#budget <= 0) return this.#share;
    return max(this.#share, this.#hintShare * (this.#share / this.#budget));
  }

  #whileOpen(now: number, isHeld: boolean): Plan {
    const isHinted = now < this.#hintUntilMs;
    if (isHeld || now < this.#untilMs) return { open: true, waitMs: this.#nextCheck(now) };
    const isAffordable = this.#rate <= this.#currentShare();
    // Within the budget it stays open. Above, for as long as something is saved.
    if (!isAffordable && (this.#untilMs > 0 || this.#savedMs < 0)) return this.#close(now, isHinted);
    this.#untilMs = 0;
    return { open: true, waitMs: CHECK_MS };
  }

  #nextCheck(now: number): number {
    return this.#untilMs > now ? min(CHECK_MS, this.#untilMs - now) : CHECK_MS;
  }

  #close(now: number, isHinted: boolean): Plan {
    this.#isOpen = false;
    this.#untilMs = 0;
    this.#windowMs = this.#between(isHinted ? HINT_WINDOW_MS : WINDOW_MS);
    const { least, most } = PAUSE_FACTOR;
    const factor = least + this.#random() * (most - least);
    const share = this.#currentShare();
    const costMs = this.#rate * this.#windowMs;
    // What a hint spends is paid for later.
    const owedMs = isHinted ? 0 : max(0, -this.#savedMs);
    const pauseMs = share > 0 ? (costMs * factor + owedMs) / share - this.#windowMs : PAUSE_MS.most;
    this.#reopenMs = now + max(PAUSE_MS.least, min(PAUSE_MS.most, pauseMs));
    return this.#whilePaused(now);
  }

  #whilePaused(now: number): Plan {
    if (this.#share <= 0 || now < this.#reopenMs) {
      return { open: false, waitMs: max(1, min(1000, this.#reopenMs - now)) };
    }
    this.#isOpen = true;
    this.#untilMs = now + this.#windowMs;
    return { open: true, waitMs: this.#nextCheck(now) };
  }

  /** Evenly on a logarithmic scale. */
  #between({ least, most }: { least: number; most: number }): number {
    return exp(log(least) + this.#random() * (log(most) - log(least)));
  }
}

function mostSaved(share: number): number {
  return min(MOST_SAVED_MS, share * SAVED_MS);
}
