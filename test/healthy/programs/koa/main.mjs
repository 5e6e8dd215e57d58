// Koa: a chain of asynchronous middleware, each of which waits for the next.
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import Koa from 'koa';

const app = new Koa();

app.use(async (context, next) => {
  const startMs = performance.now();
  await next();
  context.set('x-response-time', `${(performance.now() - startMs).toFixed(1)} ms`);
});
app.use(async (context, next) => {
  try {
    await next();
  } catch (error) {
    context.status = error.status ?? 500;
    context.body = { error: error.message };
  }
});
app.use(async (context, next) => {
  await next();
  const text = typeof context.body === 'string' ? context.body : JSON.stringify(context.body);
  context.etag = createHash('sha1').update(text).digest('base64');
});
app.use(async (context) => {
  if (context.path === '/') {
    context.body = 'hello';
    return;
  }
  const id = Number(/^\/articles\/(\d+)$/.exec(context.path)?.[1] ?? context.throw(404));
  await delay(5); // the database
  context.body = { id, title: `article ${id}`, text: 'lorem ipsum '.repeat(100) };
});

const server = app.listen(0, '127.0.0.1', () => console.log(`listening on ${server.address().port}`));
process.once('SIGTERM', () => server.close());
