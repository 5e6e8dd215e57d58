import { expect, test } from 'vitest';
import { blockedAtSaid, doctorSaid, handlesSaid } from './words.ts';

test('clinic doctor says a category, where it is the right one', () => {
  expect(doctorSaid('blocked loop', 'event-loop').verdict).toBe('a category');
  expect(doctorSaid('blocked loop', 'unknown').verdict).toBe('nothing');
  expect(doctorSaid('listeners', 'io').verdict).toBe('nothing');
});

test('blocked-at says the line where its stack has it, and nothing of what does not block', () => {
  const stack = (line: number) => [`blocked for 120 ms, operation started here: at f (/x/programs/slow.cjs:${line}:3)`];
  expect(blockedAtSaid('slow', 'blocked loop', [7], stack(7)).verdict).toBe('the line');
  expect(blockedAtSaid('slow', 'blocked loop', [7], stack(71)).verdict).toBe('a category');
  expect(blockedAtSaid('slow', 'memory', [7], stack(7)).verdict).toBe('nothing');
  expect(blockedAtSaid('slow', 'blocked loop', [7], []).verdict).toBe('nothing');
});

test('a list of handles says the line where it has it, and a category where it is long and about handles', () => {
  const handles = (count: number) => Array.from({ length: count }, () => '# TCPSERVERWRAP');
  expect(handlesSaid('slow', 'handles', [7], ['# FSREQ', '/x/programs/slow.cjs:7 - open()']).verdict).toBe('the line');
  expect(handlesSaid('slow', 'waiting', [7], handles(30)).verdict).toBe('a category');
  expect(handlesSaid('slow', 'waiting', [7], handles(3)).verdict).toBe('nothing');
  expect(handlesSaid('slow', 'memory', [7], handles(30)).verdict).toBe('nothing');
});
