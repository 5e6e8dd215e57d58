import type { Figures } from '../types.ts';
import { measured } from './measured.ts';
import { FAILING, requester, startUpstream, urlOf } from './requests.ts';
import type { Program } from './types.ts';
import { answerOf, startWorker } from './worker.ts';

type Report = (share: number) => void;

/** Requests that each take `delayMs`; of fetches `failures` fail. `upstream` is the server. */
export const fanOut: Program = async (way, options, report) => {
  const { port = 0, delayMs = 0, requests = 0, threads = 0, failures = 0 } = options;
  const urls = urlsOf(port, requests, failures);
  switch (way) {
    case 'upstream':
      return { port: await startUpstream(delayMs) };
    case 'serial':
      return measured(() => serial(port, requests, report));
    case 'threads':
      return measured(() => onThreads(port, requests, threads));
    case 'concurrent':
      return measured(() => concurrent(port, requests));
    case 'fetch-all':
      return measured(() => fetchAll(urls));
    case 'fetch-settled':
      return measured(() => fetchSettled(urls));
    default:
      throw new Error(`there is no way ${way}`);
  }
};

async function serial(port: number, requests: number, report: Report): Promise<Figures> {
  const { get, close } = requester(port);
  for (let i = 0; i < requests; i++) {
    await get();
    report((i + 1) / requests);
  }
  close();
  return { resultCount: requests };
}

/** Each thread has its share of the requests, one after another. */
async function onThreads(port: number, requests: number, threads: number): Promise<Figures> {
  const upTo = (i: number): number => Math.floor((i * requests) / threads);
  const answers = Array.from({ length: threads }, (_, i) =>
    answerOf(startWorker({ kind: 'requests', port, count: upTo(i + 1) - upTo(i) })),
  );
  const counts = await Promise.all(answers);
  return { resultCount: counts.reduce((sum, count) => sum + count, 0) };
}

async function concurrent(port: number, requests: number): Promise<Figures> {
  const { get, close } = requester(port);
  const results = await Promise.all(Array.from({ length: requests }, get));
  close();
  return { resultCount: results.length };
}

/** Those that fail are spread evenly. */
function urlsOf(port: number, requests: number, failures: number): string[] {
  const every = failures > 0 ? Math.floor(requests / failures) : Number.POSITIVE_INFINITY;
  return Array.from({ length: requests }, (_, i) => {
    const fails = i % every === every - 1 && (i + 1) / every <= failures;
    return urlOf(port, fails ? FAILING : '/');
  });
}

async function textOf(url: string): Promise<string> {
  return (await fetch(url)).text();
}

/** The first failure throws the other results away. */
async function fetchAll(urls: readonly string[]): Promise<Figures> {
  try {
    return { resultCount: (await Promise.all(urls.map(textOf))).length };
  } catch {
    return { resultCount: 0 };
  }
}

async function fetchSettled(urls: readonly string[]): Promise<Figures> {
  const results = await Promise.allSettled(urls.map(textOf));
  return { resultCount: results.filter(({ status }) => status === 'fulfilled').length };
}
