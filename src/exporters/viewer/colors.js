/**
 * Fill by category, paler where little time is spent in the function itself. Chosen to differ for colour-blind eyes as well.
 *
 * @type {Record<string, { label: string, h: number, s: number }>}
 */
export const CATEGORIES = {
  app: { label: 'application', h: 24, s: 92 },
  deps: { label: 'dependencies', h: 210, s: 68 },
  core: { label: 'Node', h: 150, s: 40 },
  v8: { label: 'V8 and native', h: 275, s: 42 },
  gc: { label: 'collector', h: 330, s: 65 },
};
const OTHER = { label: 'other', h: 0, s: 0 };
/** This share of everything at the top of the stack has the hottest colour. */
const HOTTEST = 0.2;
const LIGHTNESS = { cold: 86, hot: 56 };

/** The edge of a frame is darker by this. */
const EDGE = 12;

/**
 * CSS colour of a frame with this share of its own.
 *
 * @param {string} type
 * @param {number} share
 */
export function colorOf(type, share, isEdge = false) {
  const { h, s } = CATEGORIES[type] ?? OTHER;
  const heat = Math.sqrt(Math.min(1, Math.max(0, share) / HOTTEST));
  const lightness = LIGHTNESS.cold + (LIGHTNESS.hot - LIGHTNESS.cold) * heat;
  return `hsl(${h} ${s}% ${isEdge ? lightness - EDGE : lightness}%)`;
}

/**
 * As d3-fg asks for it, with `decimalAdjust` for a frame's edge; `stackTop` gives the node's own weight with what is hidden above it.
 *
 * @template {{ name: string, type: string }} Node
 * @param {(node: Node) => number} stackTop
 * @param {{ d: Node, decimalAdjust?: number, allSamples: number }} frame
 */
export function colorHash(stackTop, { d, decimalAdjust, allSamples }) {
  if (!d.name) return 'rgb(127, 127, 127)';
  return colorOf(d.type, allSamples > 0 ? stackTop(d) / allSamples : 0, decimalAdjust !== undefined);
}
