const { colorOf } = require('./colors.js');

/**
 * Replaces 0x's key: from cold to hot.
 *
 * @param {import('./types.d.ts').Render} render
 */
module.exports = (render) => () => {
  /** @param {number} share */
  const step = (share) => render`<span class="evdiag-step" style="background:${colorOf('app', share)}"></span>`;
  return render`<div id="key" class="fr mr1"><span>cold</span>${[0, 0.02, 0.07, 0.2].map(step)}<span>hot</span></div>`;
};
