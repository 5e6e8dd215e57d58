import { readFamily } from '../../recording/reader.ts';
import { displayPath } from '../../util/text.ts';
import { requireTerminal, terminalLook } from '../tui.ts';
import type { CliCommand } from '../types.ts';

interface Options {
  ascii?: boolean;
}

export const replay: CliCommand<Options> = {
  id: 'replay',
  summary: 'look at a recording in the terminal: play, pause, step, seek',
  examples: ['evdiag replay', 'evdiag replay .evdiag/20260102-030405-4711'],
  configure(command) {
    command
      .argument('[input]', 'recording, family of recordings, or folder of them (then the newest)', '.evdiag')
      .option('--ascii', 'draw with ASCII characters only');
  },
  async run([input = '.evdiag'], { ascii }) {
    const family = readFamily(input);
    requireTerminal('replay');
    const { exitCodeOf, runApp } = await import('../../tui/views/app.ts');
    const { findMarks, initialState } = await import('../../tui/state/index.ts');
    const signal = await runApp({
      initial: (columns, rows) => initialState('replay', displayPath(family.path), columns, rows),
      look: terminalLook(ascii),
      start(dispatch) {
        dispatch({ type: 'recordings', recordings: family.recordings });
        // The screen comes first: a long recording takes a moment to be judged so often.
        const timer = setTimeout(() => dispatch({ type: 'marks', marks: findMarks(family.recordings) }), 50);
        return () => clearTimeout(timer);
      },
      perform() {},
    });
    return exitCodeOf(signal);
  },
};
