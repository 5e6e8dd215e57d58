import { InputError } from '../../util/input-error.ts';
import type { Field, Fields, Given } from './types.ts';

/** No path, name or rule is longer. */
const MAX_CHARACTERS = 4096;
const MAX_STRINGS = 10;

/** The JSON schema of a tool's parameters. */
export function schemaOf(fields: Fields) {
  const properties = Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, propertyOf(field)]));
  const required = Object.keys(fields).filter((name) => fields[name]!.required);
  return { type: 'object' as const, properties, required, additionalProperties: false };
}

function propertyOf({ type, description, choices, least, most }: Field): object {
  if (type === 'strings') return { type: 'array', items: { type: 'string' }, maxItems: MAX_STRINGS, description };
  return {
    type,
    description,
    ...(choices && { enum: choices }),
    ...(least !== undefined && { minimum: least }),
    ...(most !== undefined && { maximum: most }),
  };
}

/** Checks what came against the fields. Throws InputError. */
export function givenFor<F extends Fields>(fields: F, values: Readonly<Record<string, unknown>>): Given<F> {
  for (const name of Object.keys(values)) {
    if (Object.hasOwn(fields, name)) continue;
    const known = Object.keys(fields).join(', ') || 'none';
    throw new InputError(`There is no parameter ${JSON.stringify(name.slice(0, 40))}. There are: ${known}.`);
  }
  const checked: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fields)) {
    const value = values[name] ?? undefined;
    if (value === undefined && field.required) throw new InputError(`The parameter "${name}" is missing.`);
    const problem = value === undefined ? null : problemOf(field, value);
    if (problem !== null) throw new InputError(`The parameter "${name}" must be ${problem}.`);
    checked[name] = value;
  }
  return checked as Given<F>;
}

/** What it should be; null if it is that. */
function problemOf(
  { type, choices, least = Number.NEGATIVE_INFINITY, most = Number.POSITIVE_INFINITY }: Field,
  value: unknown,
) {
  if (type === 'boolean') return typeof value === 'boolean' ? null : 'true or false';
  if (type === 'strings') {
    return Array.isArray(value) && value.length <= MAX_STRINGS && value.every(isText) ? null : 'a list of texts';
  }
  if (type === 'number') {
    const fits = typeof value === 'number' && value >= least && value <= most;
    return fits ? null : `a number from ${least} to ${most}`;
  }
  if (choices) return choices.includes(value as string) ? null : `one of ${choices.join(', ')}`;
  return isText(value) ? null : 'a text';
}

const isText = (value: unknown): value is string => typeof value === 'string' && value.length <= MAX_CHARACTERS;
