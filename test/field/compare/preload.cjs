// Loads three tools into the program, as their READMEs say, and writes what they say into FIELD_TOOLS when its time is nearly over.
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const { format } = require('node:util');
const { isMainThread } = require('node:worker_threads');

const BEFORE_END_MS = 300;
// What blocks for that long is reported by evdiag, too.
const BLOCKED_MS = 100;

if (isMainThread) {
  const tool = (name) => require(path.join(process.env.FIELD_TOOLS_HOME, 'node_modules', name));
  const said = { 'why-is-node-running': [], wtfnode: [], 'blocked-at': [] };
  const whyIsNodeRunning = tool('why-is-node-running');
  const wtf = tool('wtfnode');
  const to =
    (list) =>
    (...args) =>
      list.push(format(...args));
  for (const level of ['info', 'warn', 'error']) wtf.setLogger(level, to(said.wtfnode));
  tool('blocked-at')(
    (ms, stack) =>
      to(said['blocked-at'])(`blocked for ${Math.round(ms)} ms, operation started here: ${stack.join(' | ')}`),
    {
      threshold: BLOCKED_MS,
    },
  );
  const save = () => fs.writeFileSync(process.env.FIELD_TOOLS, JSON.stringify(said));
  const ask = () => {
    wtf.dump();
    whyIsNodeRunning({ error: to(said['why-is-node-running']) });
    save();
  };
  setTimeout(ask, Number(process.env.RUN_MS) - BEFORE_END_MS).unref();
  process.on('exit', save);
}
