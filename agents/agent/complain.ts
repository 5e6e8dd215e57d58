import { printOnce } from '../../src/util/print-line.ts';

/** Says once on stderr what is wrong with the agent. */
export function complain(message: string): void {
  printOnce(`evdiag: ${message}`);
}
