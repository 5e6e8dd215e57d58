import { expect, test } from 'vitest';
import { addressText, readAddress } from '../../../agents/watchdog/metrics/address.ts';

const at = (host: string, firstPort: number, lastPort = firstPort) => ({ host, firstPort, lastPort });

test.each([
  ['9464', at('127.0.0.1', 9464)],
  [' 9464 ', at('127.0.0.1', 9464)],
  ['1', at('127.0.0.1', 9464)],
  ['on', at('127.0.0.1', 9464)],
  ['localhost:8080', at('127.0.0.1', 8080)],
  ['0.0.0.0:9464', at('0.0.0.0', 9464)],
  ['127.0.0.1:0', at('127.0.0.1', 0)],
  ['[::1]:9464', at('::1', 9464)],
  ['::1:9464', at('::1', 9464)],
  ['9464-9471', at('127.0.0.1', 9464, 9471)],
  ['0.0.0.0:9464-9471', at('0.0.0.0', 9464, 9471)],
  ['0', null],
  ['off', null],
  ['False', null],
])('%s', (text, expected) => expect(readAddress(text)).toEqual(expected));

test.each(['web', '65536', '9464-9463', '1000-2000', 'example.com:9464', ':9464', '*:9464', '9464 9465', '-1', '1e3'])(
  '%s is one sentence',
  (text) => expect(readAddress(text)).toMatch(/^EVDIAG_METRICS="[^"]*" is not a port .*; no metrics are served$/),
);

test('an address is written as a URL', () => {
  expect(addressText(at('127.0.0.1', 1), 9464)).toBe('http://127.0.0.1:9464/metrics');
  expect(addressText(at('::1', 1), 9464)).toBe('http://[::1]:9464/metrics');
});
