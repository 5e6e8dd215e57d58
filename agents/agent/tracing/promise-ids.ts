const Anchor = function (this: unknown, promise: object): object {
  return promise;
} as unknown as new (
  promise: object,
) => object;

/**
 * A number on a promise that no code can see or enumerate: a private field, half the cost of a WeakMap. It is negative
 * if its settling is not recorded: it was derived from another one that is followed.
 */
export class PromiseId extends Anchor {
  #id: number;
  constructor(promise: object, id: number) {
    super(promise);
    this.#id = id;
  }
  /** 0 if it has none. */
  static of(promise: object): number {
    return #id in promise ? (promise as PromiseId).#id : 0;
  }
  static set(promise: object, id: number): void {
    if (#id in promise) (promise as PromiseId).#id = id;
    else new PromiseId(promise, id);
  }
}
