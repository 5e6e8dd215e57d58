import { InputError, readFamily } from '../../recording/reader.ts';
import { displayPath } from '../../util/text.ts';
import { findScenario } from '../scenario-list.ts';
import { chooseScenario, playScenario } from '../theatre.ts';
import { requireTerminal, terminalLook } from '../tui.ts';
import { type CliCommand, EXIT } from '../types.ts';

interface Options {
  /** True where none is named. */
  scenario?: string | true;
  ascii?: boolean;
}

export const replay: CliCommand<Options> = {
  id: 'replay',
  summary: 'look at a recording in the terminal: play, pause, step, seek',
  examples: ['evdiag replay', 'evdiag replay .evdiag/20260102-030405-4711', 'evdiag replay --scenario blocking-sleep'],
  configure(command) {
    command
      .argument('[input]', 'recording, family of recordings, or folder of them (then the newest)', '.evdiag')
      .option('--scenario [id]', 'play a scenario, broken and fixed; without an id, a list to choose from')
      .option('--ascii', 'draw with ASCII characters only');
  },
  async run([input = '.evdiag'], { scenario, ascii }) {
    if (scenario !== undefined) return playNamed(scenario, ascii);
    const family = readFamily(input);
    requireTerminal('replay');
    const { exitCodeOf, oneScreen, runApp } = await import('../../tui/views/app.ts');
    const { initialState } = await import('../../tui/state/state.ts');
    const signal = await runApp({
      machine: oneScreen,
      initial: (columns, rows) => initialState('replay', displayPath(family.path), columns, rows),
      look: terminalLook(ascii),
      start(dispatch) {
        dispatch({ type: 'recordings', recordings: family.recordings });
        return () => {};
      },
      perform() {},
    });
    return exitCodeOf(signal);
  },
};

async function playNamed(scenario: string | true, ascii: boolean | undefined): Promise<number> {
  const named = scenario === true ? null : await findScenario(scenario);
  const lacking = named?.lacks?.() ?? null;
  if (lacking !== null) throw new InputError(`"${scenario}" cannot run here: it needs ${lacking}.`);
  requireTerminal('replay');
  const look = terminalLook(ascii);
  const info = named ?? (await chooseScenario(look));
  if (info === null) return EXIT.done;
  const { exitCodeOf } = await import('../../tui/views/app.ts');
  return exitCodeOf(await playScenario(info, look));
}
