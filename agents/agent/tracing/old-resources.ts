import { executionAsyncResource } from 'node:async_hooks';
import { getOwnPropertyDescriptor, getPrototypeOf, NativeMap } from '../../primordials.ts';
import { isOwn } from '../own-resources.ts';
import { type Names, TYPES } from './names.ts';

/** Remembered by their id. */
const MAX_KNOWN = 10_000;

/**
 * The types of resources that were made before the capture began, read while their callback runs. For a timer the
 * name of its function is included: it is not known where it was started.
 */
export function createOldResources(names: Names) {
  const known = new NativeMap<number, number>();
  return {
    typeOf(asyncId: number): number {
      let type = known.get(asyncId);
      if (type === undefined) {
        type = currentType(names);
        if (known.size < MAX_KNOWN) known.set(asyncId, type);
      }
      return type;
    },
  };
}

function currentType(names: Names): number {
  try {
    const resource: object = executionAsyncResource();
    if (isOwn(resource)) return TYPES.own;
    const made = textOf(fieldOf(fieldOf(getPrototypeOf(resource), 'constructor'), 'name')) || 'Object';
    // Node's HTTPServerAsyncResource and the like have their type in another property.
    const name = made.endsWith('AsyncResource') ? textOf(fieldOf(resource, 'type')) || made : made;
    const callback = textOf(fieldOf(fieldOf(resource, '_onTimeout') ?? fieldOf(resource, '_onImmediate'), 'name'));
    return names.type(callback ? `${name} ${callback}` : name);
  } catch {
    // A proxy of the application's.
    return TYPES.other;
  }
}

/** Of a property that is no getter: no code of the application runs. */
function fieldOf(object: unknown, key: string): unknown {
  const holds = typeof object === 'function' || (typeof object === 'object' && object !== null);
  return holds ? getOwnPropertyDescriptor(object, key)?.value : undefined;
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
