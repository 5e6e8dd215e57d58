/** A test that kept the event loop from turning for longer than the limit. */
export class BlockedError extends Error {
  override readonly name = 'BlockedError';
  readonly durationMs: number;

  constructor(message: string, durationMs: number) {
    super(message);
    this.durationMs = durationMs;
  }
}
