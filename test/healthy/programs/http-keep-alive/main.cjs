// Static files over node:http: kept-alive connections, streams from disk, entity tags.
const { createReadStream } = require('node:fs');
const { stat, writeFile } = require('node:fs/promises');
const http = require('node:http');
const { pipeline } = require('node:stream/promises');

const TYPES = { js: 'text/javascript', css: 'text/css', html: 'text/html' };
const FILES = { '/': 'index.html', '/app.js': 'app.js', '/style.css': 'style.css' };

async function serve(request, response) {
  const file = FILES[request.url];
  const { size, mtimeMs } = await stat(file);
  const etag = `"${size}-${mtimeMs}"`;
  if (request.headers['if-none-match'] === etag) return response.writeHead(304).end();
  response.writeHead(200, { 'content-length': size, 'content-type': TYPES[file.split('.')[1]], etag });
  await pipeline(createReadStream(file), response);
}

async function main() {
  await writeFile('index.html', '<!doctype html><title>hello</title>');
  await writeFile('app.js', 'console.log(1);\n'.repeat(4000));
  await writeFile('style.css', 'p { color: black }\n'.repeat(500));
  const server = http.createServer({ keepAliveTimeout: 5000 }, (request, response) => {
    serve(request, response).catch((error) => response.destroy(error));
  });
  server.listen(0, '127.0.0.1', () => console.log(`listening on ${server.address().port}`));
  process.once('SIGTERM', () => server.close());
}

main();
