import { describe, expect, test } from 'vitest';
import { independentAwaits } from '../../src/async-dump/independence.ts';

/** Of all awaits of the text, in their order, as V8 places them. */
function independent(text: string) {
  const lines = text.split('\n');
  const steps = lines.flatMap((line, i) =>
    [...line.matchAll(/\bawait\b/g)].map(({ index }) => ({ line: i + 1, column: index + 1 })),
  );
  return independentAwaits(lines, steps);
}

const inFunction = (body: string, head = 'async function all(ids)') => `${head} {\n${body}\n}\n`;

describe('the turns of a loop do not need each other', () => {
  const cases: [string, string, number[]?][] = [
    ['each asks for its own item', 'for (const id of ids) {\n  found.push(await user(id));\n}'],
    ['without braces', 'for (const id of ids) found.push(await user(id));'],
    ['without semicolons', 'for (const id of ids) {\n  const one = await user(id)\n  found.push(one)\n}'],
    ['an object is filled', 'for (const id of ids) users[id] = await user(id);'],
    ['a sum is built', 'for (const id of ids) total += (await user(id)).cents;'],
    [
      'what is asked for is computed from the item',
      'for (const id of ids) {\n  const url = base + id;\n  await get(url);\n}',
    ],
    ['by an index', 'for (let i = 0; i < ids.length; i++) found.push(await user(ids[i]));'],
    ['by number', 'for (let i = 0; i < 100; i++) found.push(await user(i));'],
    ['the keys of an object', 'for (const key in wanted) found[key] = await user(key);'],
    ['pairs of a map', 'for (const [id, name] of Object.entries(ids)) found.push(await user(id, name));'],
    ['the list is awaited before', 'for (const id of await list()) found.push(await user(id));', [1]],
    [
      'an answer is read in the same turn',
      'for (const id of ids) {\n  const answer = await fetch(`/u/` + id);\n  found.push(await answer.json());\n}',
      [0, 1],
    ],
    [
      'one that fails is passed over',
      'for (const id of ids) {\n  try {\n    found.push(await user(id));\n  } catch (error) {\n    failed.push(error);\n  }\n}',
    ],
    ['some are left out', 'for (const id of ids) {\n  if (id === 7) continue;\n  found.push(await user(id));\n}'],
    ['a method of the program', 'for (const id of ids) found.push(await this.users.byId(id));'],
    [
      'a database of the module',
      'for (const id of ids) found.push(await db.get("select * from users where id = ?", id));',
    ],
    [
      'in a loop that ends otherwise',
      'const out = [];\nfor (const id of ids) {\n  const one = await user(id);\n  out.push(one);\n}\nreturn out;',
    ],
  ];
  test.each(cases)('%s', (_what, body, steps = [0]) => {
    expect(independent(inFunction(body))).toMatchObject([{ kind: 'loop', steps }]);
  });

  test('in an arrow function, a method and one whose result has a type', () => {
    const body = 'for (const id of ids) found.push(await user(id));';
    for (const head of [
      'const all = async (ids) =>',
      'const all = async ids =>',
      'class A { async all(ids)',
      'async function all(ids: string[]): Promise<Map<string, User>>',
      'const all = async (ids: string[]): Promise<User[]> =>',
    ]) {
      expect(independent(inFunction(body, head)), head).toMatchObject([{ kind: 'loop' }]);
    }
  });

  test('whether other calls may share the list is said', () => {
    expect(
      independent('const it = ids.values();\nasync function work() {\n  for (const id of it) await user(id);\n}'),
    ).toEqual([{ kind: 'loop', steps: [0], shared: true }]);
    expect(independent(inFunction('for (const id of ids) await user(id);'))).toEqual([{ kind: 'loop', steps: [0] }]);
    expect(independent(inFunction('const some = ids.slice(3);\nfor (const id of some) await user(id);'))).toEqual([
      { kind: 'loop', steps: [0] },
    ]);
  });
});

describe('a loop is left alone', () => {
  const cases: [string, string][] = [
    [
      'a cursor comes from the last answer',
      'for (const n of ids) {\n  const r = await list(cursor, n);\n  cursor = r.next;\n}',
    ],
    ['pages by number', 'for (let page = 1; page <= pages; page++) found.push(await list(page));'],
    ['while there is more', 'while (more) {\n  const r = await list(ids);\n  more = r.more;\n}'],
    ['do while', 'do {\n  r = await list(r);\n} while (r.next);'],
    [
      'the first that answers ends it',
      'for (const mirror of ids) {\n  const r = await fetch(mirror);\n  if (r.ok) return r;\n}',
    ],
    ['it may end early', 'for (const id of ids) {\n  const r = await user(id);\n  if (!r) break;\n}'],
    ['the list grows', 'for (const url of ids) {\n  const links = await crawl(url);\n  ids.push(...links);\n}'],
    ['the list is handed on', 'for (const url of ids) await visit(url, ids);'],
    ['each gets the result before it', 'let last = null;\nfor (const id of ids) last = await step2(id, last);'],
    [
      'a condition reads what was found',
      'for (const id of ids) {\n  if (count < 5) found.push(await user(id));\n  count = found.length;\n}',
    ],
    ['it pauses in between', 'for (const id of ids) {\n  await user(id);\n  await delay(100);\n}'],
    ['a limiter holds it back', 'for (const id of ids) {\n  await limiter.take();\n  await user(id);\n}'],
    ['it does not use the item', 'for (const _ of ids) await tick();'],
    ['what is awaited was started before', 'for (const promise of ids) await promise;'],
    ['what is awaited was started before, by index', 'for (let i = 0; i < ids.length; i++) await ids[i];'],
    ['the item itself acts', 'for (const hook of ids) await hook(context);'],
    ['a method of the item', 'for (const m of ids) await m.up(db);'],
    ['several at a time', 'for (const some of ids) await Promise.all(some.map(user));'],
    ['batches', 'for (const batch of ids) await insert(batch);'],
    ['batches by index', 'for (let i = 0; i < ids.length; i += 500) await insert(ids.slice(i, i + 500));'],
    ['a stream', 'for await (const id of ids) await user(id);'],
    ['tries', 'for (let attempt = 0; attempt < 5; attempt++) {\n  await user(attempt);\n}'],
    [
      'a transaction',
      'await client.query("BEGIN");\nfor (const id of ids) await client.query("insert", [id]);\nawait client.query("COMMIT");',
    ],
    ['one connection', 'const db = await pool.connect();\nfor (const id of ids) await db.query("select", [id]);'],
    ['one connection, handed on', 'for (const id of ids) await load(client, id);'],
    ['writes in order', 'for (const line of ids) await file.appendLine(line);'],
    ['one inner function of it', 'for (const id of ids) run(async () => {\n  await user(id);\n});'],
    ['a loop around several at once', 'for (const id of ids) await all(others.map(async (o) => await user(id, o)));'],
    ['a wait for a stream in between', 'for (const row of ids) {\n  if (!out.write(row)) await once(out, "drain");\n}'],
    ['what it keeps decides', 'for (const id of ids) {\n  if (!known[id]) known[id] = await user(id);\n}'],
  ];
  test.each(cases)('%s', (_what, body) => {
    expect(independent(inFunction(body))).toEqual([]);
  });

  test('a connection that is given to the function', () => {
    expect(independent(inFunction('for (const id of ids) await db.query(id);', 'async function all(db, ids)'))).toEqual(
      [],
    );
  });
});

describe('declarations one after another', () => {
  test('which use nothing of each other go together', () => {
    const text = inFunction(
      'const user = await getUser(ids);\nconst { items } = await getOrders(ids);\nconst [first] = await ads.find(ids);\nreturn { user, items, first };',
    );
    expect(independent(text)).toEqual([{ kind: 'sequence', steps: [0, 1, 2] }]);
  });

  test('only as far as they use nothing of each other', () => {
    const text = inFunction(
      'const user = await getUser(ids);\nconst team = await getTeam(user.team);\nconst news = await getNews(ids);',
    );
    expect(independent(text)).toEqual([{ kind: 'sequence', steps: [1, 2] }]);
  });

  const cases: [string, string][] = [
    ['the second uses the first', 'const user = await getUser(ids);\nconst orders = await getOrders(user.id);'],
    [
      'through something computed',
      'const user = await getUser(ids);\nconst key = user.id + 1;\nconst orders = await getOrders(key);',
    ],
    [
      'through something set',
      'const token = await getToken(ids);\nheaders.set("authorization", token);\nconst orders = await getOrders(headers);',
    ],
    [
      'there is a way out between',
      'const user = await getUser(ids);\nif (!user) throw new Error("no user");\nconst orders = await getOrders(ids);',
    ],
    [
      'something is written between',
      'const user = await getUser(ids);\nawait audit(ids);\nconst orders = await getOrders(ids);',
    ],
    ['results that nobody takes', 'await getUser(ids);\nawait getOrders(ids);'],
    [
      'they were started before',
      'const a = load(ids);\nconst b = load(ids);\nconst one = await a;\nconst other = await b;',
    ],
    [
      'one connection',
      'const client = await pool.connect();\nconst a = await client.query(1);\nconst b = await client.query(2);',
    ],
    ['acts', 'const a = await openFile(ids);\nconst b = await lock(ids);'],
    ['other branches', 'if (ids) {\n  const a = await getUser(ids);\n} else {\n  const b = await getOrders(ids);\n}'],
  ];
  test.each(cases)('are left alone: %s', (_what, body) => {
    expect(independent(inFunction(body))).toEqual([]);
  });
});

test('texts that end anywhere are survived', () => {
  const text = inFunction(
    'for (const [id, { a: b }] of Object.entries(ids)) {\n  const x = await user(id, `a` + b);\n  out[id] = x;\n}',
  );
  for (let end = 0; end <= text.length; end++) expect(Array.isArray(independent(text.slice(0, end)))).toBe(true);
});
