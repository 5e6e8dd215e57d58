// Topics with twenty subscribers each: some three hundred thousand calls of listeners a second, in small portions, and a few
// subscribers that come and go or read with for await.
import { EventEmitter, on } from 'node:events';

const TOPICS = 100;
const SUBSCRIBERS = 20;
const PUBLISH_EVERY_MS = 10;
const PUBLISHED_AT_ONCE = 150;
const COME_AND_GO_EVERY_MS = 5;
const RUN_MS = 4500;

const bus = new EventEmitter().setMaxListeners(SUBSCRIBERS + 10);
const received = new Map();
for (let topic = 0; topic < TOPICS; topic++) {
  for (let n = 0; n < SUBSCRIBERS; n++) {
    bus.on(`topic ${topic}`, ({ price }) => received.set(topic, (received.get(topic) ?? 0) + price));
  }
}

async function readAll(topic, signal) {
  let read = 0;
  try {
    for await (const _message of on(bus, topic, { signal })) read++;
  } catch (error) {
    if (error.name !== 'AbortError') throw error;
  }
  return read;
}

let published = 0;
const publishing = setInterval(() => {
  for (let n = 0; n < PUBLISHED_AT_ONCE; n++) {
    bus.emit(`topic ${published % TOPICS}`, { id: published, price: published % 100 });
    published++;
  }
}, PUBLISH_EVERY_MS);
const comingAndGoing = setInterval(() => bus.once(`topic ${published % TOPICS}`, () => {}), COME_AND_GO_EVERY_MS);

const end = AbortSignal.timeout(RUN_MS);
const read = await Promise.all([1, 2, 3].map((topic) => readAll(`topic ${topic}`, end)));
clearInterval(publishing);
clearInterval(comingAndGoing);
console.log(`did ${published} messages, ${received.size} topics, read ${read}`);
