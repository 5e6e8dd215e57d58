let facts = '';

/**
 * Replaces 0x's buttons: how much the picture is based on.
 *
 * @param {import('./types.d.ts').Render} render
 */
const controls = (render) => () => render`<div id="facts">${facts}</div>`;

/** @param {string} next */
controls.setFacts = (next) => {
  facts = next;
};

module.exports = controls;
