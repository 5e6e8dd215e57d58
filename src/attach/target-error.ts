/** The process cannot be reached or does not answer; the message is a sentence or two that say what to do. */
export class TargetError extends Error {
  override name = 'TargetError';
}
