// Automattic/mongoose#12108, #13035: thousands of documents are made full objects of, to be sent as JSON at once.
'use strict';
const express = require('express');
const mongoose = require('mongoose');
const { listen } = require('./lib/listen.cjs');

const cured = process.argv[2] === 'cured';
const line = new mongoose.Schema({ sku: String, count: Number, price: Number });
const Order = mongoose.model('Order', new mongoose.Schema({ number: Number, lines: [line], tags: [String] }));
const lines = () => [1, 2, 3].map((n) => ({ _id: new mongoose.Types.ObjectId(), sku: `s${n}`, count: n, price: 2 }));
const found = Array.from({ length: 6000 }, (_, number) => ({
  _id: new mongoose.Types.ObjectId(),
  number,
  lines: lines(),
  tags: ['a'],
}));

function orders() {
  return cured ? found : found.map((order) => Order.hydrate(order)); // guilty
}

const app = express();
app.get('/orders', (_request, response) => {
  response.json({ count: orders().length });
});
listen(app);
