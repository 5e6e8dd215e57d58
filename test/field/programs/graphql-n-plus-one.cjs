// doug-martin/nestjs-query#17, cordum-io/cordum#17: one query of the database for each row of another one.
'use strict';
const DataLoader = require('dataloader');
const express = require('express');
const { buildSchema, graphql } = require('graphql');
const { Pool } = require('pg');
const { listen } = require('./lib/listen.cjs');

const cured = process.argv[2] === 'cured';
const pool = new Pool({ host: '127.0.0.1', port: Number(process.env.POSTGRES_PORT), user: 'shop', max: 4 });
const schema = buildSchema('type Author { id: ID } type Post { author: Author } type Query { posts: [Post] }');

async function author(id) {
  const { rows } = await pool.query('select id, qty from authors where id = $1', [id]); // guilty
  return rows[0];
}

async function authors(ids) {
  const { rows } = await pool.query('select id, qty from authors where id = any($1)', [ids]);
  return ids.map(() => rows[0]);
}

class Post {
  constructor(id, loader) {
    this.author = () => (cured ? loader.load(id) : author(id)); // guilty
  }
}

const app = express();
app.get('/posts', async (_request, response) => {
  const loader = new DataLoader(authors);
  const posts = () => Array.from({ length: 150 }, (_, id) => new Post(id, loader));
  response.json(await graphql({ schema, source: '{ posts { author { id } } }', rootValue: { posts } })); // guilty
});
listen(app);
