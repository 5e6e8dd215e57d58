let unit = '';
let editor = '';

/** @param {string} next */
export function setUnit(next) {
  unit = next;
}

/**
 * Address of a line, with {file} and {line}; '' for none.
 *
 * @param {string} pattern
 */
export function setEditor(pattern) {
  editor = pattern;
}

/**
 * HTML of a frame's tooltip. The names are not ours: all of it is escaped.
 *
 * @param {import('./types.d.ts').FrameData} data
 * @param {number} all
 * @param {number} top
 */
export function tooltip(data, all, top) {
  /** @param {number} value */
  const share = (value) => `${formatWeight(value)} (${all > 0 ? ((100 * value) / all).toFixed(1) : 0} %)`;
  const place = data.file ? `${data.file}${data.line ? `:${data.line}` : ''}` : '';
  const isFile = /^(\/|[A-Za-z]:[\\/])/.test(data.file ?? '');
  const link =
    isFile && editor
      ? `<a style="color:#8cc8ff" href="${escapeHtml(addressOf(data))}">${escapeHtml(place)}</a>`
      : escapeHtml(place);
  return [`<b>${escapeHtml(data.function || data.name)}</b>`, link, `self ${share(top)} · total ${share(data.value)}`]
    .filter(Boolean)
    .join('<br>');
}

/** @param {import('./types.d.ts').FrameData} data */
function addressOf({ file = '', line }) {
  const path = encodeURI(file.replace(/\\/g, '/')).replace(/[?#&+=;]/g, encodeURIComponent);
  // After a slash it needs none of its own, but it does after those of file://.
  return editor
    .replace(/(^|[^:/]|\/\/)\/\{file\}/g, (_, before) => `${before}/${path.replace(/^\//, '')}`)
    .replace(/\{file\}/g, () => path)
    .replace(/\{line\}/g, () => String(Number(line) || 1));
}

/** @param {number} value */
export function formatWeight(value) {
  if (unit === 'bytes') return value < 1e6 ? `${(value / 1e3).toFixed(1)} kB` : `${(value / 1e6).toFixed(1)} MB`;
  if (unit === 'ms') return value < 1000 ? `${value.toFixed(1)} ms` : `${(value / 1000).toFixed(2)} s`;
  return String(Math.round(value));
}

/**
 * As util/html.ts does, which is not for browsers.
 *
 * @param {unknown} text
 */
export function escapeHtml(text) {
  return String(text).replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}
