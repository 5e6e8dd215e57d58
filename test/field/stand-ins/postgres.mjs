// As much of PostgreSQL's protocol as pg needs: everybody may log in, each query is answered after FIELD_OPTIONS.delayMs.
import { ready, server } from './serve.mjs';

const { delayMs = 10 } = JSON.parse(process.env.FIELD_OPTIONS ?? '{}');
const int16 = (n) => Buffer.from([n >> 8, n & 255]);
const int32 = (n) => Buffer.concat([int16(n >>> 16), int16(n & 65_535)]);
const text = (string) => Buffer.from(`${string}\0`);
const message = (type, ...parts) => {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body]);
};
const IDLE = message('Z', Buffer.from('I'));
const column = (name) => Buffer.concat([text(name), int32(0), int16(0), int32(23), int16(4), int32(-1), int16(0)]);
const COLUMNS = message('T', int16(2), column('id'), column('qty'));
const ROW = message('D', int16(2), int32(1), Buffer.from('1'), int32(1), Buffer.from('7'));
const isSelect = (sql) => /^\s*select/i.test(sql);
const done = (sql) => message('C', text(isSelect(sql) ? 'SELECT 1' : 'UPDATE 1'));

/** What each message of the extended protocol is answered with; `state.sql` is the statement that was parsed last. */
const ANSWERS = {
  P: (body, state) => {
    const nameEnd = body.indexOf(0);
    state.sql = body.toString('utf8', nameEnd + 1, body.indexOf(0, nameEnd + 1));
    return message('1');
  },
  B: () => message('2'),
  D: (_body, { sql }) => (isSelect(sql) ? COLUMNS : message('n')),
  E: (_body, { sql }) => Buffer.concat([...(isSelect(sql) ? [ROW] : []), done(sql)]),
};

function serve(socket) {
  const state = { sql: '', out: [], startedUp: false };
  let received = Buffer.alloc(0);
  const answer = (...parts) => setTimeout(() => socket.write(Buffer.concat([...parts, IDLE])), delayMs);
  const take = (type, body) => {
    if (type === 'Q') {
      const sql = body.toString('utf8', 0, body.length - 1);
      answer(...(isSelect(sql) ? [COLUMNS, ROW] : []), done(sql));
    } else if (type === 'S') {
      answer(...state.out.splice(0));
    } else if (type === 'X') socket.end();
    else if (ANSWERS[type]) state.out.push(ANSWERS[type](body, state));
  };
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk]);
    for (;;) {
      const head = state.startedUp ? 1 : 0;
      if (received.length < head + 4 || received.length < head + received.readInt32BE(head)) return;
      const end = head + received.readInt32BE(head);
      const [type, body] = [received.toString('latin1', 0, head), received.subarray(head + 4, end)];
      received = received.subarray(end);
      if (state.startedUp) take(type, body);
      else socket.write(Buffer.concat([message('R', int32(0)), IDLE]));
      state.startedUp = true;
    }
  });
}

ready(server(serve));
