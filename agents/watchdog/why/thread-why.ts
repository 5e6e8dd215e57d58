import type { InterruptedStack } from '../../../src/protocol/thread-api.ts';
import type { AliveThings, RawAlive, RawWhy, WhyThreadPart } from '../../../src/protocol/why-parts.ts';
import type { Frame } from '../../../src/recording/types.ts';
import type { RawFrame } from '../../shared-memory.ts';
import { ANSWER_MS, within } from '../ask.ts';
import { stateOf } from '../socket/methods/thread-state.ts';
import type { DumpableThread } from '../socket/methods/types.ts';

const NO_ANSWER = `The thread did not answer within ${ANSWER_MS / 1000} s: it is inside a native call.`;

/** How the thread is asked. */
export interface Asking {
  stack(): Promise<InterruptedStack | null | undefined>;
  why(): Promise<RawWhy | null | undefined>;
}

/** What keeps a thread alive, with places in the sources. */
export async function threadWhy(thread: DumpableThread, ask: Asking): Promise<WhyThreadPart> {
  const { threadId, toFrame, capture, maps } = thread;
  const { state, stack } = await stateOf(() => capture.hasEnded(), ask.stack);
  const raw = stack ? await ask.why() : null;
  const frames = [...(stack?.frames ?? []), ...(raw?.things ?? []).flatMap(framesOf)];
  await within<void>(ANSWER_MS, (use) => maps.mapped(() => frames.forEach(toFrame), use));
  return {
    part: 'thread',
    threadId,
    state: stack && !raw && capture.hasEnded() ? 'ended' : state,
    stack: stack?.frames.map(toFrame) ?? [],
    things: raw?.things.map((one) => placed(one, toFrame)) ?? [],
    more: raw?.more ?? 0,
    followed: raw?.followed ?? false,
    problem: raw ? (raw.problem ?? null) : NO_ANSWER,
  };
}

function framesOf({ made, steps, calls }: RawAlive): RawFrame[] {
  return [...made, ...steps.flat(), ...calls.map(({ place }) => place)];
}

function placed(raw: RawAlive, toFrame: (raw: RawFrame) => Frame): AliveThings<Frame> {
  return {
    ...raw,
    made: raw.made.map(toFrame),
    steps: raw.steps.map((frames) => frames.map(toFrame)),
    calls: raw.calls.map(({ event, place }) => ({ event, place: toFrame(place) })),
  };
}
