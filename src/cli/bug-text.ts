/** What is said of an exception that is no error of the user. */
export function bugText(error: unknown): string {
  const what = (error instanceof Error ? error.message : String(error)).split('\n')[0]!.replace(/[.!?]?$/, '.');
  return `This is a bug in evdiag: ${what} Please report it with the command line and what EVDIAG_DEBUG=1 prints.`;
}
