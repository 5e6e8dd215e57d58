import type { ChildProcess } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  initialTheatre,
  type Play,
  type TheatreAction,
  type TheatreState,
  VARIANTS,
  type Variant,
} from '../../tui/state/theatre.ts';
import type { Look } from '../../tui/views/palette.ts';
import type { EndSignal } from '../../util/end-signals.ts';
import { makeTemporaryFolder } from '../../util/temporary-folder.ts';
import { UserError } from '../../util/user-error.ts';
import { launchScenario } from '../launch-scenario.ts';
import { expectedText, loadScenarios, type ScenarioInfo, sourceOf } from '../scenario-list.ts';
import { programOf } from './crowd.ts';
import { Following } from './follow.ts';

/** Plays a scenario: broken, then fixed, each live and then as a replay. Resolves as `runApp` does. */
export async function playScenario(info: ScenarioInfo, look: Look): Promise<EndSignal | null> {
  const { runApp, theatre } = await import('../../tui/views/app.ts');
  const folder = makeTemporaryFolder('scenario');
  const { id, title, description, expect } = info;
  const play: Play = { id, title, description, expect, source: sourceOf(info) };
  let playing: Promise<void> = Promise.resolve();
  try {
    return await runApp({
      machine: theatre,
      initial: (columns, rows) => initialTheatre(play, columns, rows),
      look,
      start(dispatch, state) {
        const stage: Stage = { child: null, following: [], closed: false };
        playing = playBoth(id, folder, stage, dispatch, state);
        return () => {
          stage.closed = true;
          for (const one of stage.following) one.stop();
          stage.child?.kill('SIGKILL');
        };
      },
      perform(_effect, dispatch) {
        dispatch({ type: 'message', text: 'This works for your own programs only: evdiag run --tui, evdiag top.' });
      },
    });
  } finally {
    await playing;
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Lets the user choose a scenario that can run here; null if none is chosen. */
export async function chooseScenario(look: Look): Promise<ScenarioInfo | null> {
  const { choose } = await import('../../tui/views/menu.ts');
  const all = (await loadScenarios()).filter((info) => (info.lacks?.() ?? null) === null);
  const choices = all.map((info) => ({ label: info.id, about: `${info.title}: ${expectedText(info)}` }));
  const index = await choose('Scenarios: example programs, broken and fixed', choices, look);
  return index === null ? null : all[index]!;
}

interface Stage {
  child: ChildProcess | null;
  following: Following[];
  closed: boolean;
}

/** One after the other: together they would slow each other down. */
async function playBoth(
  id: string,
  folder: string,
  stage: Stage,
  dispatch: (action: TheatreAction) => void,
  state: () => TheatreState,
): Promise<void> {
  for (const variant of VARIANTS) {
    if (stage.closed) return;
    const announce = (text: string): void => {
      if (!stage.closed) dispatch({ type: 'headline', variant, text });
    };
    announce('runs …');
    announce(await playVariant(id, variant, folder, stage, dispatch, state));
  }
}

/** Resolves to its headline, or to why it could not be started. */
async function playVariant(
  id: string,
  variant: Variant,
  folder: string,
  stage: Stage,
  dispatch: (action: TheatreAction) => void,
  state: () => TheatreState,
): Promise<string> {
  try {
    const { headline } = await launchScenario(id, variant, join(folder, variant), (child, family) => {
      stage.child = child;
      const one = new Following(programOf(child, family), {
        dispatch: (action) => dispatch({ type: 'variant', variant, action }),
        state: () => state()[variant],
      });
      stage.following.push(one);
    });
    return headline;
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
}
