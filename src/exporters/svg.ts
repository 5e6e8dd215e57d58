import { takenText } from '../profile/taken-text.ts';
import { CATEGORY_KINDS } from './category-kinds.ts';
import { type Drawing, drawFlamegraph } from './draw-flamegraph.ts';
import type { Exporter } from './types.ts';

/** This share of everything has the hottest colour. */
const HOTTEST = 0.2;
const LEGEND: Drawing['legend'] = [
  ['app', 'application'],
  ['deps', 'dependencies'],
  ['core', 'Node'],
  ['v8', 'V8 and native'],
  ['gc', 'collector'],
];

/** A flamegraph that is a picture: coloured by category, the stronger the more time is spent in the function itself. */
export const svg: Exporter = {
  id: 'svg',
  title: 'flamegraph as a picture',
  extension: 'svg',
  mediaType: 'image/svg+xml',
  write: (profile) =>
    drawFlamegraph({
      profile,
      title: profile.title,
      facts: takenText(profile),
      legend: LEGEND,
      paint: (thread) => (node, all) => {
        const frame = thread.frames[thread.frame[node]!];
        if (!frame) return { kind: 'v8', opacity: 0.3 };
        const heat = Math.sqrt(Math.min(1, thread.self[node]! / all / HOTTEST));
        return { kind: CATEGORY_KINDS[frame.category], opacity: 0.45 + 0.55 * heat };
      },
    }),
};
