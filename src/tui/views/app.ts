import type { ChildProcess } from 'node:child_process';
import type { Location, Recording } from '../../recording/types.ts';
import { excerpt } from '../../report/excerpt.ts';
import { END_SIGNALS, type EndSignal } from '../../util/end-signals.ts';
import { markSteps } from '../state/moment.ts';
import { reduce } from '../state/reduce.ts';
import { type Screen, screenOf } from '../state/screen.ts';
import {
  reduceTheatre,
  type TheatreAction,
  type TheatreEffect,
  type TheatreState,
  theatreScreen,
} from '../state/theatre.ts';
import type { Action, Effect, State, Tools } from '../state/types.ts';
import { createJudge, inSlices, type Judge } from './between-frames.ts';
import { editingProblem, editorOf, startEditor } from './editor.ts';
import { type Look, painted } from './palette.ts';
import { openTerminal, type Terminal } from './terminal.ts';

const FRAME_MS = 50;
const WHEEL_LINES = 3;
/** Source files are read once; in a long session old ones are dropped. */
const MAX_EXCERPTS = 500;

/** A state machine and its screen, both in `src/tui/state`. */
export interface Machine<S, A, E extends Effect> {
  reduce(state: S, action: A | Action, excerpt: Tools['excerpt']): { state: S; effects: E[] };
  screenOf(state: S, excerpt: Tools['excerpt']): Screen;
  /** The action has brought rows, and their time with them. */
  bringsTime(action: A | Action): boolean;
  /** The action that answers an effect. */
  answer(effect: E, action: Action): A | Action;
  /** How often time passes. */
  tickMs(state: S): number;
}

/** One process, or one recording. */
export const oneScreen: Machine<State, Action, Effect> = {
  reduce,
  screenOf,
  bringsTime: ({ type }) => type === 'recordings',
  answer: (_effect, action) => action,
  tickMs: ({ mode, refreshMs }) => (mode === 'replay' ? FRAME_MS : refreshMs),
};

/** A scenario: two of them. */
export const theatre: Machine<TheatreState, TheatreAction, TheatreEffect> = {
  reduce: reduceTheatre,
  screenOf: theatreScreen,
  answer: ({ variant }, action) => ({ type: 'variant', variant, action }),
  bringsTime: (action) => action.type === 'variant' && action.action.type === 'recordings',
  tickMs: ({ broken, fixed }) => Math.min(oneScreen.tickMs(broken), oneScreen.tickMs(fixed)),
};

export interface AppOptions<S, A, E extends Effect> {
  machine: Machine<S, A, E>;
  /** The state before the first row, for a terminal of that size. */
  initial(columns: number, rows: number): S;
  look: Look;
  /** Begins to feed the screen; returns a function that ends it. */
  start(dispatch: (action: A | Action) => void, state: () => S): () => void;
  /** Dumps and saves. */
  perform(effect: E, dispatch: (action: A | Action) => void, state: () => S): void;
}

/**
 * Shows the screen until the user quits. Resolves to the signal that ended it, or null after `q`; rejects with what was
 * thrown. The terminal is restored in every case.
 */
export function runApp<S, A, E extends Effect>(options: AppOptions<S, A, E>): Promise<EndSignal | null> {
  return new Promise((resolve, reject) => new App(options, resolve, reject).run());
}

/** The state on the screen: actions change it, its effects are performed, and its screen is drawn. */
class App<S, A, E extends Effect> {
  readonly #options: AppOptions<S, A, E>;
  readonly #resolve: (signal: EndSignal | null) => void;
  readonly #reject: (error: unknown) => void;
  #terminal: Terminal;
  /** It has the terminal. */
  #editor: ChildProcess | null = null;
  readonly #seen = rememberExcerpts();
  readonly #judges = new Map<unknown, Judge>();
  /** A later request replaces an earlier one. */
  readonly #looking = new Map<unknown, () => void>();
  #state: S;
  #timer: NodeJS.Timeout | undefined;
  #stop = (): void => {};
  #drawAgain = false;
  #ended = false;
  #lastTick = performance.now();

  constructor(
    options: AppOptions<S, A, E>,
    resolve: (signal: EndSignal | null) => void,
    reject: (error: unknown) => void,
  ) {
    this.#options = options;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#terminal = this.#open();
    this.#state = options.initial(this.#terminal.columns, this.#terminal.rows);
  }

  #open(): Terminal {
    return openTerminal({
      onKey: (key) => this.#dispatch({ type: 'key', key }),
      onMouse: (kind, column, row) => this.#onMouse(kind, column, row),
      onResize: (columns, rows) => this.#dispatch({ type: 'size', columns, rows }),
    });
  }

  run(): void {
    for (const signal of END_SIGNALS) process.on(signal, this.#onSignal);
    process.on('uncaughtException', this.#onCrash).on('unhandledRejection', this.#onCrash);
    process.on('exit', this.#close);
    this.#timer = setInterval(() => this.#tick(), FRAME_MS);
    this.#draw();
    this.#stop = this.#options.start(
      (action) => this.#dispatch(action),
      () => this.#state,
    );
  }

  readonly #close = (): void => this.#terminal.close();
  /** Ctrl-C in an editor is for the editor, though it comes to all on the terminal. */
  readonly #onSignal = (signal: NodeJS.Signals): void => {
    if (this.#editor === null || signal !== 'SIGINT') this.#end(() => this.#resolve(signal as EndSignal));
  };
  readonly #onCrash = (error: unknown): void => this.#end(() => this.#reject(error));

  #end(settle: () => void): void {
    this.#ended = true;
    clearInterval(this.#timer);
    for (const signal of END_SIGNALS) process.off(signal, this.#onSignal);
    process.off('uncaughtException', this.#onCrash).off('unhandledRejection', this.#onCrash);
    process.off('exit', this.#close);
    this.#stop();
    this.#editor?.kill();
    for (const judge of this.#judges.values()) judge.stop();
    for (const stopLooking of this.#looking.values()) stopLooking();
    this.#terminal.close();
    settle();
  }

  #onMouse(kind: 'click' | 'wheelup' | 'wheeldown', column: number, row: number): void {
    if (kind !== 'click') {
      this.#dispatch({ type: 'wheel', by: kind === 'wheelup' ? -WHEEL_LINES : WHEEL_LINES });
      return;
    }
    const { targets } = this.#screen();
    const hit = targets.find((one) => one.row === row && column >= one.from && column < one.to);
    if (hit) this.#dispatch(hit.action);
  }

  #tick(): void {
    const ms = performance.now() - this.#lastTick;
    if (ms < this.#options.machine.tickMs(this.#state) - FRAME_MS / 2) return;
    this.#lastTick = performance.now();
    this.#dispatch({ type: 'tick', ms });
  }

  #dispatch(action: A | Action): void {
    const { machine } = this.#options;
    const { state, effects } = machine.reduce(this.#state, action, this.#seen);
    this.#state = state;
    if (machine.bringsTime(action)) this.#lastTick = performance.now();
    for (const effect of effects) {
      if (effect.type === 'quit') {
        this.#end(() => this.#resolve(effect.signal ?? null));
        return;
      }
      this.#perform(effect);
    }
    this.#drawSoon();
  }

  #perform(effect: E): void {
    if (effect.type === 'marks') this.#lookForMarks(effect, effect.recordings);
    else if (effect.type === 'judge') this.#judgeOf(effect).ask(effect.recordings, effect.atMs, effect.urgent);
    else if (effect.type === 'copy') this.#terminal.send(clipboardSequence(effect.text));
    else if (effect.type === 'edit') void this.#edit(effect, effect.location);
    else {
      this.#options.perform(
        effect,
        (action) => this.#dispatch(action),
        () => this.#state,
      );
    }
  }

  /** Gives the terminal to the editor and takes it back. Rows come meanwhile, and are shown then. */
  async #edit(effect: E, location: Location): Promise<void> {
    const editor = editorOf(process.env);
    const problem = editingProblem(editor, location);
    if (problem !== null || this.#editor !== null) {
      this.#answer(effect, { type: 'message', text: problem });
      return;
    }
    this.#terminal.close();
    const { child, ended } = startEditor(editor, location);
    this.#editor = child;
    const failure = await ended;
    this.#editor = null;
    if (this.#ended) return;
    this.#terminal = this.#open();
    const { columns, rows } = this.#terminal;
    this.#dispatch({ type: 'size', columns, rows });
    if (failure !== null) this.#answer(effect, { type: 'message', text: failure });
  }

  #judgeOf(effect: E): Judge {
    const asker = askerOf(effect);
    const known = this.#judges.get(asker);
    if (known) return known;
    const judge = createJudge((report, atMs) => this.#answer(effect, { type: 'report', report, atMs }));
    this.#judges.set(asker, judge);
    return judge;
  }

  #lookForMarks(effect: E, recordings: readonly Recording[]): void {
    const asker = askerOf(effect);
    this.#looking.get(asker)?.();
    const stopLooking = inSlices(markSteps(recordings), (marks) => this.#answer(effect, { type: 'marks', marks }));
    this.#looking.set(asker, stopLooking);
  }

  #answer(effect: E, action: Action): void {
    this.#dispatch(this.#options.machine.answer(effect, action));
  }

  /** Several keys that arrive together make one frame. */
  #drawSoon(): void {
    if (this.#drawAgain) return;
    this.#drawAgain = true;
    setImmediate(() => {
      this.#drawAgain = false;
      this.#draw();
    });
  }

  #draw(): void {
    this.#terminal.draw(painted(this.#screen().lines, this.#options.look));
  }

  #screen(): Screen {
    return this.#options.machine.screenOf(this.#state, this.#seen);
  }
}

/** OSC 52: the terminal puts it on the clipboard, also over ssh (https://invisible-island.net/xterm/ctlseqs/ctlseqs.html). */
function clipboardSequence(text: string): string {
  return `\x1b]52;c;${Buffer.from(text).toString('base64')}\x07`;
}

/** One of several state machines; null if there is only one. */
function askerOf(effect: Effect): unknown {
  return 'variant' in effect ? effect.variant : null;
}

function rememberExcerpts(): typeof excerpt {
  const known = new Map<string, ReturnType<typeof excerpt>>();
  return (location) => {
    const key = `${location.file}:${location.line}`;
    const lines = known.get(key) ?? excerpt(location);
    if (known.size >= MAX_EXCERPTS) known.clear();
    known.set(key, lines);
    return lines;
  };
}
