import { expect, test } from 'vitest';
import { redactArguments, redactUrls } from '../../src/util/redact.ts';

test.each([
  [['--api-token=abc'], ['--api-token=***']],
  [
    ['--password', 'abc', 'app.js'],
    ['--password', '***', 'app.js'],
  ],
  [
    ['-secret', '--port', '80'],
    ['-secret', '--port', '80'],
  ],
  [['DB_PASSWORD=a=b'], ['DB_PASSWORD=***']],
  [['--secretKey=a\nb'], ['--secretKey=***']],
  [
    ['--port=80', 'keys.js'],
    ['--port=80', 'keys.js'],
  ],
  [['--url=postgres://me:pw@db/x?ssl=1'], ['--url=postgres://***@db/x?***']],
])('%j becomes %j', (argv, expected) => {
  expect(redactArguments(argv)).toEqual(expected);
});

test('user info, query and fragment of a URL go, host and path stay', () => {
  expect(redactUrls('GET https://u:p@h.example/a/b?token=1#x now')).toBe('GET https://***@h.example/a/b?*** now');
});
