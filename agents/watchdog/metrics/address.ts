import { isIP } from 'node:net';

/** Where metrics are served: the first free port of the range. */
export interface MetricsAddress {
  host: string;
  firstPort: number;
  lastPort: number;
}

const LOOPBACK = '127.0.0.1';
/** What OpenTelemetry's exporter for Prometheus uses. */
const DEFAULT_PORT = 9464;
const MOST_PORTS = 100;
const ON = ['1', 'on', 'true', 'yes'];
const OFF = ['', '0', 'off', 'false', 'no'];

/** Reads EVDIAG_METRICS; null: off. Returns a sentence if it is neither. */
export function readAddress(text: string): MetricsAddress | string | null {
  const words = text.trim().toLowerCase();
  if (OFF.includes(words)) return null;
  if (ON.includes(words)) return { host: LOOPBACK, firstPort: DEFAULT_PORT, lastPort: DEFAULT_PORT };
  const [, hostText, first, last] = /^(?:(.+):)?(\d{1,5})(?:-(\d{1,5}))?$/.exec(words) ?? [];
  const host = hostOf(hostText ?? 'localhost');
  const [firstPort, lastPort] = [Number(first), Number(last ?? first)];
  const fits = lastPort >= firstPort && lastPort < 65_536 && lastPort - firstPort < MOST_PORTS;
  if (host !== null && fits) return { host, firstPort, lastPort };
  return `EVDIAG_METRICS=${JSON.stringify(text.slice(0, 60))} is not a port such as 9464, a range such as 9464-9471, or one of these behind an IP address, such as 0.0.0.0:9464; no metrics are served`;
}

/** Names are not looked up: that may hang. */
function hostOf(text: string): string | null {
  if (text === 'localhost') return LOOPBACK;
  const bare = /^\[(.+)\]$/.exec(text)?.[1] ?? text;
  return isIP(bare) ? bare : null;
}

export function addressText({ host }: MetricsAddress, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}/metrics`;
}
