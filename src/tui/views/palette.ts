import { columnsOf } from '../state/text.ts';
import type { Line, Tone } from '../state/types.ts';

/**
 * Sky blue, orange and vermilion of the scale of Okabe and Ito, which people with any kind of colour vision can tell apart
 * (https://jfly.uni-koeln.de/color/). Nothing is shown by colour alone: words and marks say the same.
 */
const COLOURED: Record<Tone, string> = {
  plain: '',
  dim: '38;5;245',
  strong: '1',
  good: '38;5;74',
  warn: '38;5;214',
  bad: '1;38;5;202',
  accent: '38;5;110',
  selected: '7',
};

const MONOCHROME: Record<Tone, string> = { ...COLOURED, dim: '', good: '', warn: '1', bad: '1', accent: '' };

/** What a terminal without Unicode shows instead; anything else that it lacks is a question mark. */
const ASCII: Record<string, string> = {
  ...Object.fromEntries([...'▁▂▃▄▅▆▇█'].map((bar, i) => [bar, '.:-=+*#@'[i]!])),
  ...{ '│': '|', '─': '-', '━': '=', '└': '`', '▏': '_', '▼': 'v', '▲': '^', '●': '*', '■': '#', '↻': '~', '‖': '=' },
  ...{ '▶': '>', '✓': '+', '✗': 'x', '→': '>', '…': '~', '·': '-', '×': 'x', '−': '-', '–': '-', µ: 'u', '□': '?' },
  ...{ '⏎': '>', '↑': '^', '↓': 'v', '←': '<', '¼': '%' },
};

export interface Look {
  color: boolean;
  ascii: boolean;
}

/** Lines as text with SGR sequences, for a terminal that looks like that. */
export function painted(lines: readonly Line[], { color, ascii }: Look): string {
  const codes = color ? COLOURED : MONOCHROME;
  return lines
    .map((spans) =>
      spans
        .map(({ text, tone }) => {
          const shown = ascii ? toAscii(text) : text;
          return codes[tone] === '' || text === '' ? shown : `\x1b[${codes[tone]}m${shown}\x1b[0m`;
        })
        .join(''),
    )
    .join('\n');
}

function toAscii(text: string): string {
  return text.replace(/[^ -~]/g, (char) => ASCII[char] ?? '?'.repeat(columnsOf(char)));
}

/** A locale that names another character set than UTF-8; one that names none says nothing of the terminal. */
export function needsAscii(env: NodeJS.ProcessEnv): boolean {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || '';
  return locale !== '' && !/utf-?8/i.test(locale);
}
