import { describe, expect, test } from 'vitest';
import { asksForClose, closes, hostIn, isClose, originOf } from '../../agents/agent/tracking/http-messages.ts';

describe('the origin of what fetch is given', () => {
  test.each([
    ['http://example.org/a?b#c', 'http://example.org'],
    ['HTTPS://Example.org:443/a', 'https://example.org'],
    ['https://example.org:80?q', 'https://example.org:80'],
    ['http://example.org:80', 'http://example.org'],
    ['http://[::1]:8080/a', 'http://[::1]:8080'],
    ['https://user:p@ss@example.org:444/', 'https://example.org:444'],
    [new URL('http://example.org:81/a'), 'http://example.org:81'],
    [{ url: 'http://example.org/of-a-request' }, 'http://example.org'],
    ['http:///a', null],
    ['file:///a', null],
    ['/a', null],
    [7, null],
    [undefined, null],
  ])('%s: %s', (input, origin) => expect(originOf(input)).toBe(origin));
});

test.each([
  ['http://example.org:80', 'example.org'],
  ['https://[::1]:8080', '[::1]'],
  ['http://[::1', '['],
  ['http://example.org/a:b', 'example.org'],
  ['example.org', ''],
])('the host of %s is "%s"', (origin, host) => expect(hostIn(origin)).toBe(host));

test('a connection is closed where a word of the header says so', () => {
  expect(['close', 'Close', 'keep-alive, close', ' close ,x'].map(isClose)).toEqual([true, true, true, true]);
  expect(['', 'keep-alive', 'closed', 'x-close', 'close it'].map(isClose)).toEqual([false, false, false, false, false]);
});

test('headers of undici are read as they are on the wire, and as it writes them', () => {
  const bytes = (text: string): Buffer => Buffer.from(text);
  expect(closes([bytes('Date'), bytes('now'), bytes('CONNECTION'), bytes('Close')])).toBe(true);
  expect(closes([bytes('connection'), bytes('keep-alive'), bytes('x'), bytes('close')])).toBe(false);
  expect([undefined, null, {}, ['connection']].map(closes)).toEqual([false, false, false, false]);
  expect(asksForClose('GET / HTTP/1.1\r\nhost: a\r\nConnection: close\r\n')).toBe(true);
  expect(asksForClose('GET / HTTP/1.1\r\nhost: a\r\nconnection: keep-alive\r\n')).toBe(false);
  expect(asksForClose(undefined)).toBe(false);
});
