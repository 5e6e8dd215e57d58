/** What rows of reading, writing and sending must look like. */

import { arrayOf, type Check, number, object, oneOf, optional, orNull, string } from '../util/shapes.ts';
import { FILE_USES, type FileUse, type MessageUse, type RowOf, type StreamUse } from './types.ts';
import { LOCATION, location } from './validate-unfinished.ts';

const PLACE = { location, callers: arrayOf(object(LOCATION)) };
const FILE: { [K in keyof Required<FileUse>]: Check } = {
  ...PLACE,
  call: string,
  use: oneOf(...FILE_USES),
  count: number,
  bytes: number,
  sized: number,
  positioned: number,
  sameFile: number,
  file: orNull(string),
  opened: number,
};
const STREAM: { [K in keyof Required<StreamUse>]: Check } = {
  ...PLACE,
  stream: string,
  streams: number,
  ignored: number,
  bufferedBytes: number,
  peakBytes: number,
  largestBytes: number,
  objects: optional(oneOf(true)),
};
const MESSAGE: { [K in keyof Required<MessageUse>]: Check } = {
  ...PLACE,
  call: oneOf('postMessage', 'send'),
  count: number,
  bytes: number,
  ms: number,
  maxMs: number,
  maxBytes: number,
};

export const transfers: { [K in Exclude<keyof RowOf<'transfers'>, 't' | 'type'>]: Check } = {
  intervalMs: number,
  files: arrayOf(object(FILE)),
  flushes: number,
  streams: arrayOf(object(STREAM)),
  messages: arrayOf(object(MESSAGE)),
};
