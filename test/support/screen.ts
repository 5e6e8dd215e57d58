/** The state machine of the terminal UI, fed by hand. */
import type { Recording } from '../../src/recording/types.ts';
import { buildReport } from '../../src/report/report.ts';
import { inOneGo, markSteps } from '../../src/tui/state/moment.ts';
import { reduce } from '../../src/tui/state/reduce.ts';
import { screenOf } from '../../src/tui/state/screen.ts';
import { initialState } from '../../src/tui/state/state.ts';
import type { Action, Effect, Line, State } from '../../src/tui/state/types.ts';

const NO_SOURCE = () => [];

export class TestScreen {
  state: State;
  effects: Effect[] = [];

  /** `judges`: rows are judged at once, which takes its time where they are very many. */
  readonly #judges: boolean;

  constructor(mode: State['mode'], recordings: readonly Recording[], columns = 100, rows = 30, judges = true) {
    this.#judges = judges;
    this.state = initialState(mode, 'app.js', columns, rows);
    this.act({ type: 'recordings', recordings });
  }

  act(action: Action): this {
    const { state, effects } = reduce(this.state, action, NO_SOURCE);
    this.state = state;
    for (const effect of effects) {
      if (effect.type === 'marks') this.act({ type: 'marks', marks: inOneGo(markSteps(effect.recordings)) });
      else if (effect.type !== 'judge') this.effects.push(effect);
      else if (this.#judges) {
        this.act({ type: 'report', report: buildReport(effect.recordings), atMs: effect.atMs });
      }
    }
    return this;
  }

  /** Characters, and names of keys in angle brackets: `'2jj<enter>'`. */
  type(keys: string): this {
    for (const [key] of keys.matchAll(/<[^>]+>|./g)) {
      this.act({ type: 'key', key: key.length > 1 ? key.slice(1, -1) : key });
    }
    return this;
  }

  screen() {
    return screenOf(this.state, NO_SOURCE);
  }

  lines(): string[] {
    return this.screen().lines.map(textOf);
  }

  text(): string {
    return this.lines().join('\n');
  }

  /** The line that is selected. */
  selected(): string {
    const found = this.screen().lines.filter((line) => line.some(({ tone }) => tone === 'selected'));
    // The first is the name of the program, the second the tab.
    return textOf(found[2] ?? []).trim();
  }
}

export function textOf(line: Line): string {
  return line
    .map(({ text }) => text)
    .join('')
    .trimEnd();
}
