// react/react#6420, erikras/react-redux-universal-hot-example#368: a page with thousands of rows is rendered in one go.
'use strict';
const express = require('express');
const { createElement } = require('react');
const { renderToString } = require('react-dom/server');
const { listen } = require('./lib/listen.cjs');

const cured = process.argv[2] === 'cured';
const products = Array.from({ length: 60_000 }, (_, id) => ({
  id,
  name: `Product ${id}`,
  tags: ['new', 'sale', 'eco'],
}));

function Row({ product }) {
  const tags = product.tags.map((tag) => createElement('b', { key: tag, className: tag }, tag));
  return createElement('tr', null, createElement('td', null, product.name), createElement('td', null, tags));
}

function page(from) {
  const shown = cured ? products.slice(from, from + 50) : products;
  const rows = shown.map((product) => createElement(Row, { key: product.id, product }));
  return renderToString(createElement('table', null, createElement('tbody', null, rows))); // guilty
}

const app = express();
app.get('/products/:from', (request, response) => {
  response.send(page(Number(request.params.from)));
});
listen(app);
