// Express as its guide shows it: a router, parameters, JSON, an error handler.
const express = require('express');

const PAGE_SIZE = 20;
const users = Array.from({ length: 1000 }, (_, id) => ({ id, name: `user ${id}`, email: `user${id}@example.com` }));

const router = express.Router();
router.get('/', (request, response) => {
  const first = (Number(request.query.page ?? 0) * PAGE_SIZE) % users.length;
  response.json(users.slice(first, first + PAGE_SIZE));
});
router.get('/:id', (request, response, next) => {
  const user = users[Number(request.params.id) % users.length];
  if (user) response.json(user);
  else next(new Error('no such user'));
});

const app = express();
app.use((_request, response, next) => {
  const startMs = performance.now();
  response.on('finish', () => {
    app.locals.lastMs = performance.now() - startMs;
  });
  next();
});
app.get('/', (_request, response) => response.send('<h1>hello</h1>'));
app.use('/users', router);
app.use((error, _request, response, _next) => response.status(404).json({ error: error.message }));

const server = app.listen(0, '127.0.0.1', () => console.log(`listening on ${server.address().port}`));
process.once('SIGTERM', () => server.close());
