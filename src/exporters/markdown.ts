import { frameName, packageOf, shortLabel, stackOf, withoutIdle } from '../profile/call-tree.ts';
import { tableOf } from '../profile/table.ts';
import { formatWeight, takenText } from '../profile/taken-text.ts';
import type { Profile, ThreadProfile } from '../profile/types.ts';
import { codeSpan, escapeMarkdown } from '../util/markdown.ts';
import { stripControl } from '../util/text.ts';
import type { Exporter } from './types.ts';

const FUNCTIONS = 20;
const PATHS = 8;
/** This many innermost frames of a path. */
const PATH_FRAMES = 12;

/** A summary for people and language models: the hottest functions and the hottest paths. */
export const markdown: Exporter = {
  id: 'markdown',
  title: 'summary in Markdown',
  extension: 'md',
  mediaType: 'text/markdown',
  write(profile) {
    const { unit } = profile;
    const { all, rows } = tableOf(profile, 'function');
    const share = (weight: number): string => (all > 0 ? `${((100 * weight) / all).toFixed(1)} %` : '');
    const hottest = rows.slice(0, FUNCTIONS).map(({ name, location, self, total }) => {
      const place = location ? `${location.file}${location.line > 0 ? `:${location.line}` : ''}` : '';
      return `| ${share(self)} | ${formatWeight(self, unit)} | ${share(total)} | ${code(name)} | ${code(place)} |`;
    });
    const categories = tableOf(profile, 'category').rows.map(({ name, self }) => `${name} ${share(self)}`);
    return `# ${escapeMarkdown(profile.title)}

${takenText(profile)}; ${formatWeight(all, unit)} ${unit === 'us' ? 'not idle' : 'in all'}: ${categories.join(', ')}.

## Hottest functions

| self | | total | function | place |
| ---: | ---: | ---: | --- | --- |
${hottest.join('\n')}

## Hottest paths

${pathsOf(profile, share).join('\n\n')}
`;
  },
};

/** The heaviest stacks, the caller first; frames of Node between two of the application's are left out. */
function pathsOf(profile: Profile, share: (weight: number) => string): string[] {
  const heaviest = profile.threads
    .flatMap((thread) => [...withoutIdle(thread).self].map((weight, node) => ({ thread, node, weight })))
    .filter(({ node, weight }) => node > 0 && weight > 0)
    .sort((a, b) => b.weight - a.weight)
    .slice(0, PATHS);
  return heaviest.map(({ thread, node, weight }, i) => {
    const frames = shownFrames(thread, node);
    const lines = frames.map((label, depth) => `${'  '.repeat(depth)}${label}`);
    return `${i + 1}. ${share(weight)}\n\n\`\`\`\n${lines.join('\n')}\n\`\`\``;
  });
}

function shownFrames(thread: ThreadProfile, node: number): string[] {
  const stack = stackOf(thread, node).map((frame) => thread.frames[frame]!);
  const shown = stack.filter((frame, i) => i === stack.length - 1 || packageOf(frame) !== 'node');
  return shown
    .slice(-PATH_FRAMES)
    .map((frame) => stripControl(frame.file ? shortLabel(frame) : frameName(frame)).replace(/`{3}/g, "'''"));
}

function code(value: string): string {
  return value === '' ? '' : codeSpan(value.slice(0, 300)).replace(/\|/g, '\\|');
}
