import { ATTACH_KEY, type AttachOptions } from '../../src/protocol/attach-options.ts';
import { globalObject, NativeSymbol } from '../primordials.ts';

/** What whoever has loaded the agent into a running process says, in each of its threads; null if the agent was there from the start. */
export function attachOptions(): AttachOptions | null {
  const holder = globalObject as unknown as Record<symbol, AttachOptions | undefined>;
  return holder[NativeSymbol.for(ATTACH_KEY)] ?? null;
}
