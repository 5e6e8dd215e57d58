// mksglu/context-mode#671, WiseLibs/better-sqlite3#1139: a query without an index, by a driver that is synchronous.
'use strict';
const Database = require('better-sqlite3');
const express = require('express');
const { listen } = require('./lib/listen.cjs');

const cured = process.argv[2] === 'cured';
const db = new Database(':memory:');
db.exec('create table posts (id integer primary key, author text, body text)');
const insert = db.prepare('insert into posts (author, body) values (?, ?)');
db.transaction(() => {
  for (let i = 0; i < 600_000; i++) insert.run(`author ${i % 5000}`, `The text of post ${i}`);
})();
if (cured) db.exec('create index by_author on posts (author)');
const byAuthor = db.prepare('select count(*) as count from posts where author = ?');
const byText = db.prepare('select author, count(distinct lower(body)) as count from posts group by author');

function count(name) {
  return cured ? byAuthor.get(`author ${name}`) : byText.all().find(({ author }) => author === `author ${name}`); // guilty
}

const app = express();
app.get('/posts/:name', (request, response) => {
  response.json(count(request.params.name));
});
listen(app);
