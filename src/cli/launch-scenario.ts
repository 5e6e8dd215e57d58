import type { Variant } from '../tui/state/theatre.ts';
import { builtFile } from '../util/package-root.ts';
import { stripControl } from '../util/text.ts';
import { type Launch, type Launched, launch } from './launch.ts';

/** A scenario that takes longer hangs. */
const LIMIT_MS = 120_000;
const MAX_OUTPUT = 100_000;

export interface LaunchedScenario extends Launched {
  /** The last line that it printed. */
  headline: string;
}

/** Runs a scenario under the agent until it ends; its recordings go to `out`. Rejects with UserError if it cannot be started. */
export async function launchScenario(
  id: string,
  variant: Variant,
  out: string,
  onStart: NonNullable<Launch['onStart']> = () => {},
): Promise<LaunchedScenario> {
  let output = '';
  const launched = await launch({
    command: [process.execPath, builtFile(`scenarios/${id}.js`), ...(variant === 'fixed' ? ['--fixed'] : [])],
    out,
    level: 'diagnose',
    durationMs: LIMIT_MS,
    stdio: ['ignore', 'pipe', 'ignore'],
    onStart(child, family) {
      child.stdout?.setEncoding('utf8').on('data', (text: string) => {
        output = (output + text).slice(-MAX_OUTPUT);
      });
      onStart(child, family);
    },
  });
  return { ...launched, headline: stripControl(output.trim().split('\n').at(-1) ?? '') };
}
