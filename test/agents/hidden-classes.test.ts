/** What is followed keeps its hidden class: code that handles it would be compiled anew for a second one, and stay slower. */
import { channel } from 'node:diagnostics_channel';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInThisContext } from 'node:vm';
import { expect, it } from 'vitest';
import { createHooks } from '../../agents/agent/hooks.ts';
import { followAnswers } from '../../agents/agent/work/answers.ts';
import type { WorkItem } from '../../agents/agent/work/current.ts';
import { createSensor } from '../../agents/guard.ts';

// For good: V8 reads the function below again when it is first called.
setFlagsFromString('--allow-natives-syntax');
const haveSameMap = runInThisContext('(one, other) => %HaveSameMap(one, other)') as (
  one: object,
  other: object,
) => boolean;

it('an answer to a request that is followed', () => {
  const request = new IncomingMessage(new Socket());
  const [followed, other] = [new ServerResponse(request), new ServerResponse(request)];
  const item = { endMs: 0 } as WorkItem;
  const ended: unknown[] = [];
  const answers = followAnswers(
    { begin: () => item, end: (...what) => ended.push(...what) },
    createSensor('following requests'),
  );
  answers.listen();
  channel('http.server.request.start').publish({ request, response: followed });
  expect(haveSameMap(followed, other)).toBe(true);
  for (const response of [other, followed]) channel('http.server.response.finish').publish({ request, response });
  answers.rest();
  expect(ended).toEqual([item, 200]);
});

it('a promise that a deep sample counts', async () => {
  const hooks = createHooks(() => false);
  const before = Promise.resolve();
  hooks.startHooks(false);
  await before;
  const counted = Promise.resolve();
  await counted;
  hooks.stopHooks();
  await before;
  expect(hooks.counts()!.promises).toBeGreaterThan(0);
  expect(haveSameMap(counted, before)).toBe(true);
});
