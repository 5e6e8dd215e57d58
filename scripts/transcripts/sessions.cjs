// A server that keeps each session, and a listener for each tenth of them.
const { EventEmitter } = require('node:events');

const sessions = new Map();
const bus = new EventEmitter().setMaxListeners(0);

class Session {
  constructor(id) {
    this.id = id;
    this.data = `data of ${id} `.repeat(10);
  }
}

function open(id) {
  sessions.set(id, new Session(id));
  if (id % 10 === 0) bus.on('change', () => sessions.get(id));
}

let id = 0;
setInterval(() => {
  for (let i = 0; i < 20; i++) open(id++);
}, 100);
console.log('ready');
