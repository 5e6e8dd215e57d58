import { min, NativeWeakMap, process } from '../../primordials.ts';

/** Handles looked at in one row, some 0.2 µs each. */
const MAX_LOOKED = 5000;

/** As far as it is looked at; the application may have put anything in its place. */
interface Connection {
  _server?: unknown;
  _tlsOptions?: { isServer?: unknown } | null;
  _httpMessage?: Answer | null;
  bytesRead?: unknown;
}
interface Answer {
  writeHead?: unknown;
  _header?: unknown;
  req?: { complete?: unknown; _readableState?: { flowing?: unknown; length?: unknown } } | null;
}

/** Connections and requests from outside at one time. */
export interface RawRequests {
  connections: number;
  /** Of which no answer has begun. */
  unanswered: number;
  /** And whose body is there in part, without anybody having taken of it since the last time. */
  unread: number;
}

/** Who is connected, and what requests wait for: found by the open handles, so that it does not matter when they came. */
export class OpenRequests {
  readonly #bytes = new NativeWeakMap<object, unknown>();

  read(): RawRequests {
    const found = { connections: 0, unanswered: 0, unread: 0 };
    const handles = (process as { _getActiveHandles?(): (Connection | null)[] })._getActiveHandles?.() ?? [];
    for (let i = 0; i < min(handles.length, MAX_LOOKED); i++) {
      const handle = handles[i];
      if (handle?._server || handle?._tlsOptions?.isServer === true) found.connections++;
      const answer = handle?._httpMessage;
      // A request that this process makes has no head of an answer to write.
      if (typeof answer?.writeHead !== 'function' || answer._header !== null) continue;
      found.unanswered++;
      if (this.#isUnread(answer, handle!.bytesRead)) found.unread++;
    }
    return found;
  }

  #isUnread(answer: Answer, bytes: unknown): boolean {
    const before = this.#bytes.get(answer);
    this.#bytes.set(answer, bytes);
    const body = answer.req?._readableState;
    const isThere = answer.req?.complete === false && typeof body?.length === 'number' && body.length > 0;
    return isThere && body.flowing !== true && before === bytes;
  }
}
