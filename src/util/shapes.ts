/** What values from outside must look like: small checks that can be combined. Additional fields are allowed. */
export type Check = (value: unknown) => boolean;
export type Fields = Record<string, Check>;

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export const any: Check = () => true;
export const number: Check = (value) => Number.isFinite(value);
/** A count, an index or an id. */
export const whole: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
export const string: Check = (value) => typeof value === 'string';
export const boolean: Check = (value) => typeof value === 'boolean';
export const numbers: Check = (value) => isObject(value) && Object.values(value).every(number);

export const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
export const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
export const oneOf =
  (...values: readonly unknown[]): Check =>
  (value) =>
    values.includes(value);
export const arrayOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
export const object =
  (fields: Fields): Check =>
  (value) =>
    isObject(value) && Object.entries(fields).every(([field, check]) => check(value[field]));
/** Objects of several shapes, distinguished by the text in one of their fields. */
export const tagged =
  (field: string, shapes: Record<string, Fields>): Check =>
  (value) => {
    if (!isObject(value)) return false;
    const tag = value[field];
    return typeof tag === 'string' && Object.hasOwn(shapes, tag) && object(shapes[tag]!)(value);
  };
