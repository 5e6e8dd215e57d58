/** Rows and fields that have other names in formats before 1.5. */
import { isObject } from '../util/shapes.ts';

const ROW_NAMES: Record<string, string> = { look: 'deep-sample', suspicion: 'trigger' };

/** A parsed line by today's names; anything else is returned as it is. */
export function withCurrentNames(value: unknown): unknown {
  if (!isObject(value) || typeof value.type !== 'string' || !Object.hasOwn(ROW_NAMES, value.type)) return value;
  const { look: deepSample, ...row } = value;
  return { ...row, type: ROW_NAMES[value.type], ...(deepSample !== undefined && { deepSample }) };
}
