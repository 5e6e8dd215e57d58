import { InputError, readFamily } from '../../recording/reader.ts';
import { exitCodeOf } from '../../util/end-signals.ts';
import { displayPath } from '../../util/text.ts';
import { performProfile } from '../live/profile-effects.ts';
import { recordedProfiles } from '../live/recorded-profiles.ts';
import { chooseScenario, playScenario } from '../live/theatre.ts';
import { requireTerminal, terminalLook } from '../live/tui.ts';
import { jsonOption, recordingArgument } from '../options.ts';
import { printLargeJson } from '../output.ts';
import { replayOf } from '../replay-json.ts';
import { findScenario } from '../scenario-list.ts';
import { type CliCommand, EXIT } from '../types.ts';

interface Options {
  /** True if none is named. */
  scenario?: string | true;
  ascii?: boolean;
  json?: boolean;
}

export const replay: CliCommand<Options> = {
  id: 'replay',
  summary: 'replay a recording in the terminal: play, pause, step, seek',
  examples: [
    'evdiag replay',
    'evdiag replay .evdiag/20260102-030405-4711',
    'evdiag replay 4711.clinic-doctor',
    'evdiag replay --scenario blocking-sleep',
  ],
  configure(command) {
    command
      .addArgument(recordingArgument())
      .option('--scenario [id]', 'play a scenario, broken and fixed; without an id, choose from a list')
      .option('--ascii', 'draw with ASCII characters only')
      .addOption(jsonOption('print events and findings with their times as JSON'));
  },
  async run([input = '.evdiag'], { scenario, ascii, json }) {
    if (scenario !== undefined && json) {
      throw new InputError('A scenario is played on a terminal; "evdiag scenario ID --json" runs one and compares.');
    }
    if (scenario !== undefined) return playNamed(scenario, ascii);
    const family = readFamily(input);
    if (json) {
      printLargeJson(replayOf(family));
      return EXIT.done;
    }
    requireTerminal('replay');
    const { oneScreen, runApp } = await import('../../tui/views/app.ts');
    const { initialState } = await import('../../tui/state/state.ts');
    const signal = await runApp({
      machine: oneScreen,
      initial: (columns, rows) => initialState('replay', displayPath(family.path), columns, rows),
      look: terminalLook(ascii),
      start(dispatch) {
        dispatch({ type: 'recordings', recordings: family.recordings });
        const look = setImmediate(() => dispatch({ type: 'profiles', profiles: recordedProfiles(family.recordings) }));
        return () => clearImmediate(look);
      },
      perform: performProfile,
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
  return exitCodeOf(await playScenario(info, look));
}
