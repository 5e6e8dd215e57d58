// forwardemail/email-templates#178, 11ty/buildawesome#1926: the template is compiled anew for each page.
'use strict';
const express = require('express');
const pug = require('pug');
const { listen } = require('./lib/listen.cjs');

const cured = process.argv[2] === 'cured';
const rows = Array.from({ length: 400 }, (_, i) => `    li(class=user.kind) Field ${i} #{user.name}`);
const template = ['html', '  body', '    h1= title', ...rows].join('\n');
const compiled = pug.compile(template);

function page(name) {
  const locals = { title: 'Profile', user: { name, kind: 'guest' } };
  return cured ? compiled(locals) : pug.render(template, locals); // guilty
}

const app = express();
app.get('/profile/:name', (request, response) => {
  response.send(page(request.params.name));
});
listen(app);
