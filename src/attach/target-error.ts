import { type ErrorCode, UserError } from '../util/user-error.ts';

/** The process cannot be reached or does not answer; the message is a sentence or two that say what to do. */
export class TargetError extends UserError {
  override name = 'TargetError';

  constructor(message: string, code: Exclude<ErrorCode, 'input' | 'not-started'> = 'no-target') {
    super(message, code);
  }
}

export function endedText(pid: number): string {
  return `Process ${pid} ended while it was asked.`;
}
