// Loads one tool first of all, as its README says, and prints what it says after WAIT_MS.
'use strict';
const path = require('node:path');

const { TOOL, TOOLS_HOME, WAIT_MS } = process.env;
const tool = require(path.join(TOOLS_HOME, 'node_modules', TOOL));
setTimeout(() => {
  if (TOOL === 'wtfnode') tool.dump();
  else tool();
  process.exit();
}, Number(WAIT_MS)).unref();
