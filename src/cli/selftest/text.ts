import type { Paint, Style } from '../../util/terminal.ts';
import { stripControl, wrap } from '../../util/text.ts';
import type { CheckState, Mechanism } from './types.ts';

export interface SelftestResult {
  schema: 'evdiag-selftest/1';
  evdiag: string;
  node: string;
  v8: string;
  platform: string;
  kernel: string;
  cores: number;
  container: boolean;
  seconds: number;
  checks: { id: string; title: string; state: CheckState; detail: string }[];
  mechanisms: Mechanism[];
}

const SIGNS: Record<CheckState, { sign: string; styles: Style[] }> = {
  works: { sign: 'ok', styles: ['green'] },
  fails: { sign: 'FAILS', styles: ['red', 'bold'] },
  unknown: { sign: '?', styles: ['yellow'] },
};
const SIGN = 7;

/** Two aligned tables, and a paragraph to paste into an issue. */
export function selftestText(result: SelftestResult, { paint, width }: { paint: Paint; width: number }): string {
  const { checks, mechanisms } = result;
  const name = Math.max(...[...checks, ...mechanisms].map(({ id }) => id.length)) + 2;
  const row = (sign: string, styles: Style[], id: string, words: string): string[] => {
    const [first = '', ...rest] = wrap(stripControl(words), Math.max(30, width - name - SIGN - 2));
    const indent = ' '.repeat(name + SIGN + 2);
    return [
      `  ${paint(sign.padEnd(SIGN), ...styles)}${id.padEnd(name)}${first}`.trimEnd(),
      ...rest.map((line) => indent + line),
    ];
  };
  return [
    paint('What the agent sees here', 'bold'),
    ...checks.flatMap(({ id, title, state, detail }) =>
      row(SIGNS[state].sign, SIGNS[state].styles, id, `${title}: ${detail}`),
    ),
    '',
    paint('What it can use here', 'bold'),
    ...mechanisms.flatMap(({ id, isThere, without }) =>
      row(isThere ? 'yes' : 'no', isThere ? ['green'] : ['yellow'], id, isThere ? '' : without),
    ),
    '',
    paint('For an issue', 'bold'),
    ...wrap(issueText(result), width - 2).map((line) => `  ${line}`),
    '',
  ].join('\n');
}

function issueText({
  evdiag,
  node,
  v8,
  platform,
  kernel,
  cores,
  container,
  seconds,
  checks,
  mechanisms,
}: SelftestResult): string {
  const ids = (state: CheckState): string =>
    checks
      .filter((check) => check.state === state)
      .map(({ id }) => id)
      .join(', ') || 'none';
  const lacking =
    mechanisms
      .filter(({ isThere }) => !isThere)
      .map(({ id }) => id)
      .join(', ') || 'nothing';
  return (
    `evdiag ${evdiag} selftest: Node.js ${node} (V8 ${v8}), ${platform}, kernel ${kernel}, ${cores} cores${container ? ', in a container' : ''}. ` +
    `Works: ${ids('works')}. Fails: ${ids('fails')}. Not shown: ${ids('unknown')}. Lacks: ${lacking}. Took ${seconds} s.`
  );
}
