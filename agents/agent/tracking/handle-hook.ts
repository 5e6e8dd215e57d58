/** Async hooks that are not called for promises, on each Node. */
import { createHook, type HookCallbacks } from 'node:async_hooks';
import { runInThisContext } from 'node:vm';
import { assign, defineProperty, getOwnPropertyDescriptor, getOwnPropertySymbols, process } from '../../primordials.ts';
import { disableHook, enableHook } from '../own-hooks.ts';

interface AsyncWrap {
  getPromiseHooks?(): unknown[];
  setPromiseHooks?(...hooks: unknown[]): void;
}

/** It can be taken out, and put in again. */
export interface ResourceHook {
  enable(): void;
  disable(): void;
}

/**
 * An async hook that is not called for promises: an option (24), or an own symbol of the hook (22). On Node 20 the
 * promise hooks that enabling it sets are restored; if that cannot be done, promises are ignored.
 */
export function hookWithoutPromises(callbacks: HookCallbacks): ResourceHook {
  const hook = createHook({ ...callbacks, trackPromises: false } as HookCallbacks);
  const symbol = getOwnPropertySymbols(hook).find(({ description }) => description?.includes('NoPromiseHook'));
  if (symbol) assign(hook, { [symbol]: true });
  const wrap = symbol ? null : nodes20AsyncWrap();
  let isIn = false;
  const resourceHook = {
    enable(): void {
      if (!isIn) keepingPromiseHooks(wrap, () => enableHook(hook));
      isIn = true;
    },
    disable(): void {
      if (isIn) disableHook(hook);
      isIn = false;
    },
  };
  resourceHook.enable();
  return resourceHook;
}

function keepingPromiseHooks(wrap: AsyncWrap | null, job: () => void): void {
  const before = wrap?.getPromiseHooks?.();
  job();
  if (before) wrap!.setPromiseHooks!(...before);
}

let foundWrap: AsyncWrap | null | undefined;

function nodes20AsyncWrap(): AsyncWrap | null {
  if (foundWrap === undefined) foundWrap = findNodes20AsyncWrap();
  return foundWrap;
}

function findNodes20AsyncWrap(): AsyncWrap | null {
  if (!process.version.startsWith('v20.')) return null;
  // The application would see the warning: it asked for it.
  if (process.execArgv.some((flag) => flag.includes('pending-deprecation'))) return null;
  if (process.env.NODE_PENDING_DEPRECATION === '1' || process.env.NODE_OPTIONS?.includes('pending-deprecation'))
    return null;
  // Jest gives its tests a copy of `process`, which Node does not read.
  const host = runInThisContext('process') as NodeJS.Process & { binding(name: string): AsyncWrap };
  const before = getOwnPropertyDescriptor(host, 'noDeprecation');
  try {
    // Node warns of process.binding once; it is not the application that uses it.
    defineProperty(host, 'noDeprecation', { value: true, configurable: true, writable: true });
    return host.binding('async_wrap');
  } catch {
    return null;
  } finally {
    if (before) defineProperty(host, 'noDeprecation', before);
    else delete (host as { noDeprecation?: boolean }).noDeprecation;
  }
}
