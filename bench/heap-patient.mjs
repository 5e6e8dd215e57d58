// Fills a heap with what programs have in it, and writes a snapshot of it: node heap-patient.mjs FILE RECORDS
import { writeHeapSnapshot } from 'node:v8';

const [file, records] = process.argv.slice(2);

class Session {
  /** @param {number} id */
  constructor(id) {
    this.id = id;
    this.user = { name: `user ${id}`, roles: ['reader', 'writer'], since: id + 0.5 };
    this.pages = [`/page/${id % 1000}`, { at: id, back: null }];
    this.close = () => this.user;
  }
}

const sessions = new Map();
/** @type {{ head: object | null }} */
const list = { head: null };
for (let i = 0; i < Number(records); i++) {
  sessions.set(`session ${i}`, new Session(i));
  if (i % 4 === 0) list.head = { next: list.head, owner: list };
}
Object.assign(globalThis, { state: { sessions, list } });
writeHeapSnapshot(file);
