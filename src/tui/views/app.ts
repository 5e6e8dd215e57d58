import type { Recording } from '../../recording/types.ts';
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
import { type Look, painted } from './palette.ts';
import { openTerminal } from './terminal.ts';

const FRAME_MS = 50;
const WHEEL_LINES = 3;
/** Source files are read once; those of a long session are forgotten. */
const MAX_EXCERPTS = 500;

/** A state machine and what is to be seen of it: `src/tui/state` has them. */
export interface Machine<S, A, E extends Effect> {
  reduce(state: S, action: A | Action, excerpt: Tools['excerpt']): { state: S; effects: E[] };
  screenOf(state: S, excerpt: Tools['excerpt']): Screen;
  /** The action has brought rows, and their time with them. */
  bringsTime(action: A | Action): boolean;
  /** The action that answers an effect. */
  answer(effect: E, action: Action): A | Action;
  /** How often time is to pass. */
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
  /** Begins to feed the screen; what it returns ends that. */
  start(dispatch: (action: A | Action) => void, state: () => S): () => void;
  /** Dumps and saves. */
  perform(effect: E, dispatch: (action: A | Action) => void, state: () => S): void;
}

/**
 * Shows the screen until somebody quits. Resolves to the signal that ended it, or null after `q`; rejects with what was
 * thrown. The terminal is as it was in every case.
 */
export function runApp<S, A, E extends Effect>(options: AppOptions<S, A, E>): Promise<EndSignal | null> {
  const { machine, initial, look, start, perform } = options;
  return new Promise((resolve, reject) => {
    let stop = (): void => {};
    const end = (settle: () => void): void => {
      clearInterval(timer);
      for (const signal of END_SIGNALS) process.off(signal, onSignal);
      process.off('uncaughtException', onCrash).off('unhandledRejection', onCrash).off('exit', terminal.close);
      stop();
      for (const judge of judges.values()) judge.stop();
      for (const stopLooking of looking.values()) stopLooking();
      terminal.close();
      settle();
    };
    const onSignal = (signal: NodeJS.Signals): void => end(() => resolve(signal as EndSignal));
    const onCrash = (error: unknown): void => end(() => reject(error));
    const seen = rememberExcerpts();

    const terminal = openTerminal({
      onKey: (key) => dispatch({ type: 'key', key }),
      onMouse: (kind, column, row) => {
        if (kind !== 'click') dispatch({ type: 'wheel', by: kind === 'wheelup' ? -WHEEL_LINES : WHEEL_LINES });
        else {
          const hit = machine
            .screenOf(state, seen)
            .targets.find((one) => one.row === row && column >= one.from && column < one.to);
          if (hit) dispatch(hit.action);
        }
      },
      onResize: (columns, rows) => dispatch({ type: 'size', columns, rows }),
    });
    let state = initial(terminal.columns, terminal.rows);
    const draw = (): void => terminal.draw(painted(machine.screenOf(state, seen).lines, look));

    let drawAgain = false;
    let lastTick = performance.now();
    function dispatch(action: A | Action): void {
      const next = machine.reduce(state, action, seen);
      state = next.state;
      if (machine.bringsTime(action)) lastTick = performance.now();
      for (const effect of next.effects) {
        if (effect.type === 'quit') {
          end(() => resolve(effect.signal ?? null));
          return;
        }
        if (effect.type === 'marks') lookForMarks(effect, effect.recordings);
        else if (effect.type === 'judge') judgeOf(effect).ask(effect.recordings, effect.atMs, effect.urgent);
        else if (effect.type === 'copy') terminal.send(clipboardSequence(effect.text));
        else perform(effect, dispatch, () => state);
      }
      // Several keys that come in one piece are one frame.
      if (drawAgain) return;
      drawAgain = true;
      setImmediate(() => {
        drawAgain = false;
        draw();
      });
    }

    const judges = new Map<unknown, Judge>();
    function judgeOf(effect: E): Judge {
      const asker = askerOf(effect);
      const judge =
        judges.get(asker) ??
        createJudge((report, atMs) => dispatch(machine.answer(effect, { type: 'report', report, atMs })));
      judges.set(asker, judge);
      return judge;
    }

    /** What is asked later takes the place of what was asked before. */
    const looking = new Map<unknown, () => void>();
    function lookForMarks(effect: E, recordings: readonly Recording[]): void {
      looking.get(askerOf(effect))?.();
      const stopLooking = inSlices(markSteps(recordings), (marks) =>
        dispatch(machine.answer(effect, { type: 'marks', marks })),
      );
      looking.set(askerOf(effect), stopLooking);
    }

    for (const signal of END_SIGNALS) process.on(signal, onSignal);
    process.on('uncaughtException', onCrash).on('unhandledRejection', onCrash).on('exit', terminal.close);
    const timer = setInterval(() => {
      const ms = performance.now() - lastTick;
      if (ms < machine.tickMs(state) - FRAME_MS / 2) return;
      lastTick = performance.now();
      dispatch({ type: 'tick', ms });
    }, FRAME_MS);
    draw();
    stop = start(dispatch, () => state);
  });
}

/** OSC 52: the terminal puts it on the clipboard, also over ssh (https://invisible-island.net/xterm/ctlseqs/ctlseqs.html). */
function clipboardSequence(text: string): string {
  return `\x1b]52;c;${Buffer.from(text).toString('base64')}\x07`;
}

/** One of several state machines; null where there is one. */
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
