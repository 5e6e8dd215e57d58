/** The input cannot be read; the message is one sentence or two that say what to do. */
export class InputError extends Error {
  override name = 'InputError';
}
