import { type Route, runIfMain, slowestPing, withServer } from './support.ts';
import type { Headline, Scenario } from './types.ts';

/** About 400 ms of formatters; formatting itself is a twentieth of that. */
const BOOKINGS = 6000;
const REQUESTS = 4;

const LONG = { weekday: 'long', year: 'numeric', month: 'long', day: 'numeric', timeZone: 'UTC' } as const;
const days = new Intl.DateTimeFormat('de-AT', LONG);
const bookings = Array.from({ length: BOOKINGS }, (_, id) => ({ id, at: new Date(1.7e12 + id * 9e6) }));

type Booking = (typeof bookings)[number];

/** Options make a formatter, and the next row makes the next one. */
function formatAnew({ id, at }: Booking): string {
  const day = at.toLocaleDateString('de-AT', LONG); // guilty
  return `${id};${day}`;
}

function format({ id, at }: Booking): string {
  return `${id};${days.format(at)}`;
}

function serve(row: (booking: Booking) => string): Promise<Headline> {
  const exported: Route = () => bookings.map(row).join('\n');
  return withServer({ '/export': exported }, async (get) => ({
    what: `the slowest /ping beside ${REQUESTS} exports of ${BOOKINGS} rows`,
    value: await slowestPing(get, '/export', REQUESTS),
    unit: 'ms',
  }));
}

export const intlPerCall: Scenario = {
  id: 'intl-per-call',
  title: 'A new formatter for each row',
  description:
    'An export writes a date per row with toLocaleDateString and options, which makes a formatter of Intl each time.',
  expect: [{ rule: 'blocked-event-loop', kind: 'js-cpu' }],
  broken: () => serve(formatAnew),
  fixed: () => serve(format),
};

runIfMain(import.meta.url, intlPerCall);
