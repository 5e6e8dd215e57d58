import type { TextOptions } from '../../report/text.ts';
import { formatMs, plural, stripControl, wrap } from '../../util/text.ts';
import type { Analysis, Aspect, SecondOpinion } from './types.ts';

const LABEL = 12;
const GAP = 2;
/** Narrower columns are one below the other. */
const LEAST_COLUMN = 26;

const CATEGORIES: Record<Analysis['issueCategory'], string> = {
  none: 'no issue',
  'event-loop': 'an event loop issue',
  gc: 'a garbage collection issue',
  io: 'an I/O issue',
  unknown: 'an unknown issue: it sees several at once, and does not decide',
  data: 'that there is too little data',
};

/** Both opinions side by side, with our word on where they differ. */
export function opinionText(opinion: SecondOpinion, { paint, width }: TextOptions): string {
  const { version, category, span, sampleCount, aspects, failure } = opinion;
  const title = paint('Second opinion', 'bold');
  if (failure !== null || category === null) {
    return `\n${title}\n${wrap(`clinic doctor gave none: ${stripControl(failure ?? '')}`, width - 2)
      .map((line) => `  ${line}`)
      .join('\n')}\n`;
  }
  const part = span === null ? '' : `${formatMs(span.fromMs)} to ${formatMs(span.toMs)} of the recording`;
  const from = [...(sampleCount === null ? [] : [plural(sampleCount, 'sample')]), part].filter(Boolean).join(', ');
  const verdict = `clinic doctor ${stripControl(version ?? '')} says ${CATEGORIES[category]}${from === '' ? '' : ` (${from})`}.`;
  const lines = [
    title,
    ...wrap(verdict, width - 2).map((line) => `  ${line}`),
    '',
    ...sideBySide('', ['clinic doctor', 'evdiag'], width).map((line) => paint(line, 'dim')),
    ...aspects.flatMap((aspect) => aspectLines(aspect, { paint, width })),
  ];
  return `\n${lines.join('\n')}\n`;
}

function aspectLines({ aspect, theirWords, ourWords, agrees, word }: Aspect, { paint, width }: TextOptions): string[] {
  const sides = sideBySide(aspect, [theirWords, stripControl(ourWords)], width);
  const indent = ' '.repeat(LABEL + 2);
  const ours = wrap(word, width - indent.length).map((line) => indent + paint(line, agrees ? 'dim' : 'yellow'));
  return [...sides, ...ours];
}

function sideBySide(label: string, [left, right]: readonly [string, string], width: number): string[] {
  const column = Math.floor((width - LABEL - 2 - GAP) / 2);
  const head = (i: number): string => `  ${(i === 0 ? label : '').padEnd(LABEL)}`;
  if (column < LEAST_COLUMN) {
    const texts = label === '' ? [] : [`clinic doctor: ${left}`, `evdiag: ${right}`];
    return texts.flatMap((text) => wrap(text, width - LABEL - 2)).map((line, i) => head(i) + line);
  }
  const [one, other] = [wrap(left, column), wrap(right, column)];
  return Array.from({ length: Math.max(one.length, other.length) }, (_, i) =>
    `${head(i)}${(one[i] ?? '').padEnd(column + GAP)}${other[i] ?? ''}`.trimEnd(),
  );
}
