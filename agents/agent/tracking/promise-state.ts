import { inspect } from 'node:util';

const PENDING_TEXT_LIMIT = 60;
const STATE_ONLY = { depth: 0, customInspect: false, maxArrayLength: 0, maxStringLength: 8, compact: true } as const;

/** 'pending', 'rejected' or 'fulfilled'; without running the application's code. */
export function stateOf(promise: object): 'pending' | 'rejected' | 'fulfilled' {
  const text = inspect(promise, STATE_ONLY).slice(0, PENDING_TEXT_LIMIT);
  if (text.includes('{ <pending>') || text.includes('{\n  <pending>')) return 'pending';
  return text.includes('<rejected>') ? 'rejected' : 'fulfilled';
}

export function isPending(promise: object): boolean {
  return stateOf(promise) === 'pending';
}
