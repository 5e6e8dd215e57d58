let facts = '';

/** In the place of 0x's buttons: how much the picture stands on. */
module.exports = (render) => () => render`<div id="facts">${facts}</div>`;

module.exports.setFacts = (next) => {
  facts = next;
};
