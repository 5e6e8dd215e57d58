/** Which suspended calls wait for a promise. */
import type { SuspendedCall } from './suspended-calls.ts';

/** Calls that wait for the promise, directly or not. */
const MAX_WAITERS = 10_000;

const byNode = new WeakMap<readonly SuspendedCall[], Map<number, SuspendedCall>>();

export function callsByNode(calls: readonly SuspendedCall[]): Map<number, SuspendedCall> {
  const known = byNode.get(calls) ?? new Map(calls.map((call) => [call.node, call]));
  byNode.set(calls, known);
  return known;
}

const byPromise = new WeakMap<readonly SuspendedCall[], Map<number, SuspendedCall[]>>();

/** The calls that go on only after this promise: what they hold cannot settle it. */
export function waitingFor(calls: readonly SuspendedCall[], promise: number): Set<number> {
  const known = byPromise.get(calls) ?? groupByPromise(calls);
  byPromise.set(calls, known);
  const waiting = new Set(known.get(promise) ?? []);
  for (const call of waiting) {
    if (waiting.size > MAX_WAITERS) break;
    for (const index of call.awaitedBy) waiting.add(calls[index]!);
  }
  return new Set([...waiting].map((call) => call.node));
}

function groupByPromise(calls: readonly SuspendedCall[]): Map<number, SuspendedCall[]> {
  const groups = new Map<number, SuspendedCall[]>();
  for (const call of calls) {
    const group = groups.get(call.waitsFor);
    if (group) group.push(call);
    else groups.set(call.waitsFor, [call]);
  }
  return groups;
}
