/** What Node publishes of requests and their answers: `docs/requests.md` says which version has which channel. */
import { builtIn } from '../../built-in.ts';
import { guarded, type Sensor } from '../../guard.ts';
import { NativeWeakMap } from '../../primordials.ts';
import type { WorkItem } from './current.ts';

type Channels = typeof import('node:diagnostics_channel');
type Listener = (message: unknown) => void;

export interface Answers {
  /** Node is about to call the program for it; null: nothing more is followed. */
  begin(request: object, answer: object): WorkItem | null;
  end(item: WorkItem, status: number): void;
}

interface Http1 {
  request: object;
  response: object & { statusCode?: unknown };
}
interface Http2 {
  stream: object & { sentHeaders?: Record<string, unknown> };
  headers: object;
}
interface Handled {
  request?: { raw?: object & { stream?: object } };
  reply?: { raw?: object };
  route?: { url?: unknown };
}

const asNumber = (value: unknown): number => (typeof value === 'number' ? value : 0);

/** Listens while `listen` has been called last. */
export function followAnswers(answers: Answers, sensor: Sensor) {
  // Not a field of the answer: it would have another hidden class while it is followed, and all code that handles answers be compiled anew.
  const known = new NativeWeakMap<object, WorkItem>();
  const begin = (request: object, answer: object): void => {
    const item = answers.begin(request, answer);
    if (item && !known.has(answer)) known.set(answer, item);
  };
  const end = (answer: object, status: number): void => {
    const item = known.get(answer);
    if (item && item.endMs === 0) answers.end(item, status);
  };
  const listeners: [channel: string, listener: Listener][] = [
    [
      'http.server.request.start',
      guarded(sensor, ({ request, response }: Http1) => begin(request, response)) as Listener,
    ],
    [
      'http.server.response.finish',
      guarded(sensor, ({ response }: Http1) => end(response, asNumber(response.statusCode))) as Listener,
    ],
    ['http2.server.stream.start', guarded(sensor, ({ stream, headers }: Http2) => begin(headers, stream)) as Listener],
    [
      'http2.server.stream.close',
      guarded(sensor, ({ stream }: Http2) => end(stream, asNumber(stream.sentHeaders?.[':status']))) as Listener,
    ],
    // Fastify 5 publishes the route that it calls, as a text with the names of its parameters.
    [
      'tracing:fastify.request.handler:start',
      guarded(sensor, ({ request, reply, route }: Handled) => {
        const answer = reply?.raw;
        const stream = request?.raw?.stream;
        const item = (answer && known.get(answer)) ?? (stream && known.get(stream));
        if (item && item.endMs === 0 && typeof route?.url === 'string') item.pattern = route.url;
      }) as Listener,
    ],
  ];
  const channels = builtIn<Channels>('diagnostics_channel');
  let isListening = false;
  return {
    listen(): void {
      if (isListening || !channels) return;
      isListening = true;
      for (const [channel, listener] of listeners) channels.subscribe(channel, listener);
    },
    rest(): void {
      if (!isListening || !channels) return;
      isListening = false;
      for (const [channel, listener] of listeners) channels.unsubscribe(channel, listener);
    },
  };
}
