// archiverjs/node-archiver#89, soundspan/soundspan#384: the client leaves, the archive waits for somebody to read on.
'use strict';
const { once } = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const archiver = require('archiver');
const express = require('express');
const { listen } = require('./lib/listen.cjs');

const cured = process.argv[2] === 'cured';
const photo = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'field-')), 'photo');
fs.writeFileSync(photo, Buffer.alloc(10_000_000, 'ab'));
process.on('exit', () => fs.rmSync(path.dirname(photo), { recursive: true, force: true }));

async function sendAlbum(response) {
  const archive = archiver('zip', { store: true });
  const photos = [1, 2, 3].map(() => fs.createReadStream(photo)); // guilty
  archive.pipe(response);
  for (const [i, file] of photos.entries()) archive.append(file, { name: `${i}.jpg` });
  if (!cured) return await archive.finalize(); // guilty
  await Promise.race([archive.finalize(), once(response, 'close')]);
  archive.abort();
  for (const file of photos) file.destroy();
}

const app = express();
app.get('/albums/:id', async (_request, response) => {
  await sendAlbum(response); // guilty
});
listen(app);
