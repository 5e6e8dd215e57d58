const { CATEGORIES, colorOf } = require('./colors.js');

/**
 * Replaces 0x's filters: the legend, whose entries hide and show their category.
 *
 * @param {import('./types.d.ts').Render} render
 * @returns {(state: { exclude: Set<string> }, action: (clicked: { name: string }) => void) => object}
 */
module.exports =
  (render) =>
  ({ exclude }, action) => {
    /** @param {string} name */
    const entry = (name) => {
      const shown = !exclude.has(name);
      return render`<button class="evdiag-category" aria-pressed="${shown}" style="background:${shown ? colorOf(name, 0.06) : 'transparent'}" onclick=${() => action({ name })}>${CATEGORIES[name].label}</button>`;
    };
    return render`<div id="categories" role="group" aria-label="categories">${Object.keys(CATEGORIES).map(entry)}</div>`;
  };
