/** What is needed of a stream; `process.stdout` and `process.stderr` have it. */
export interface TerminalStream {
  isTTY?: boolean | undefined;
  columns?: number | undefined;
}

const SGR = { bold: 1, dim: 2, inverse: 7, red: 31, green: 32, yellow: 33, blue: 34, cyan: 36 } as const;

export type Style = keyof typeof SGR;
/** Puts styles around a text, or returns it unchanged if colour is off. */
export type Paint = (text: string, ...styles: Style[]) => string;

/** Whether to colour: NO_COLOR and FORCE_COLOR first (https://no-color.org), then what the stream is. */
export function hasColor(stream: TerminalStream, env: NodeJS.ProcessEnv = process.env): boolean {
  const force = env.FORCE_COLOR;
  if (force !== undefined) return force !== '0' && force !== 'false';
  if ((env.NO_COLOR ?? '') !== '') return false;
  return stream.isTTY === true && env.TERM !== 'dumb';
}

export function painter(color: boolean): Paint {
  if (!color) return (text) => text;
  return (text, ...styles) => `${styles.map((style) => `\x1b[${SGR[style]}m`).join('')}${text}\x1b[0m`;
}

/** Columns to write into; 100 if it is no terminal. */
export function terminalWidth(stream: TerminalStream): number {
  return Math.min(140, Math.max(40, stream.columns ?? 100));
}
