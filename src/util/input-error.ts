import { UserError } from './user-error.ts';

/** The input cannot be read; the message is one sentence or two that say what to do. */
export class InputError extends UserError {
  override name = 'InputError';

  constructor(message: string) {
    super(message, 'input');
  }
}
