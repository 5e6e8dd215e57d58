import { describe, expect, test } from 'vitest';
import { createFolding, createRoutes, isIdLike, pathOf } from '../../agents/agent/work/routes.ts';
import { WorkTotals } from '../../agents/agent/work/totals.ts';

describe('a part of a path that is one of many is an id', () => {
  test.each([
    '7',
    '1234567890',
    '3f2a9c1b',
    '507f1f77bcf86cd799439011',
    '123e4567-e89b-12d3-a456-426614174000',
    'order-12345',
    'eyJhbGciOiJIUzI1NiJ9abcdefghijklm',
    'me@example.org',
    'reset%20me',
    'a;jsessionid=1',
    'app.3f2a9c1b.js',
    'lib-1a2b-main.js',
    '3F2A9C1',
    'a1_b2~c3-d4e5f6g7',
  ])('%s', (part) => expect(isIdLike(part)).toBe(true));

  test.each([
    '',
    'users',
    'v1',
    'v2',
    'oauth2',
    'health-check',
    'index.html',
    'facade',
    'sitemap.xml',
    'utf8',
    'S3',
    'i18n',
    'release-notes-a.html',
    'v1.stable-channel',
  ])('and not %s', (part) => expect(isIdLike(part)).toBe(false));
});

test('of an address only the path is read', () => {
  expect(pathOf('/a/b?token=secret')).toBe('/a/b');
  expect(pathOf('/a#secret')).toBe('/a');
  expect(pathOf('http://user:secret@example.org/a?b')).toBe('/a');
  expect(pathOf('http://example.org?a=/secret')).toBe('/');
  expect(pathOf('example.org:443')).toBe('/');
  expect(pathOf('*')).toBe('/');
});

test('names at one position of a path that are too many for routes are folded', () => {
  const fold = createFolding();
  const names = Array.from({ length: 1000 }, (_, i) =>
    fold(
      `/articles/${'abcdefghij'[i % 10]}${'klmnopqrst'[((i / 10) | 0) % 10]}${'uvwxyz'[(i / 100) | (0 % 6)] ?? 'o'}/read`,
    ),
  );
  expect(new Set(names).size).toBeLessThan(60);
  expect(fold('/articles/another/read')).toBe('/articles/:id/read');
  expect(fold('/users/7/posts/')).toBe('/users/:id/posts/');
});

test('what a framework publishes is taken as it is, below the folded address of its router', () => {
  const name = createRoutes();
  const url = '/tenants/77/items/blue?x=1';
  const request = {
    method: 'GET',
    url: '/items/blue',
    originalUrl: url,
    baseUrl: '/tenants/77',
    route: { path: '/items/:item' },
  };
  expect(name(request, null, 200)).toBe('GET /tenants/:id/items/:item');
  expect(name({ ...request, route: { path: '/' } }, null, 200)).toBe('GET /tenants/:id');
  expect(name({ ...request, route: undefined }, null, 200)).toBe('GET /tenants/:id/items/blue');
  expect(name({ ...request, route: { path: /blue/ } }, null, 200)).toBe('GET /tenants/:id/items/blue');
  expect(name(request, '/by/:fastify', 404)).toBe('GET /by/:fastify');
  expect(name({ ...request, route: undefined }, null, 404)).toBe('GET (not found)');
  expect(name({ ':method': 'POST', ':path': '/a/1?b' }, null, 0)).toBe('POST /a/:id');
  expect(name({}, null, 0)).toBe(' /');
});

test('names are bounded: what comes later is counted together', () => {
  const totals = new WorkTotals();
  for (let i = 0; i < 1000; i++) totals.add('request', `GET /${i}`, 1, i % 2 === 0);
  totals.add('job', 'import', null, false);
  const entries = totals.read();
  expect(entries.length).toBeLessThanOrEqual(202);
  expect(entries.find(({ name }) => name === '(others)')?.count).toBe(800);
  expect(entries.reduce((sum, { failed }) => sum + failed, 0)).toBe(500);
  expect(entries.at(-1)).toMatchObject({ kind: 'job', name: 'import', count: 1, aborted: 1, durations: [] });
  expect(totals.read()).toEqual([]);
});
