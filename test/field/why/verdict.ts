export type Verdict = 'the line' | 'another line' | 'nothing';

/** What a tool has said of a program whose line is to be named. */
export function verdictOf(said: string, file: string, line: number): Verdict {
  const lines = [...said.matchAll(/([\w.-]+\.(?:cjs|js)):(\d+)/g)].map(([, name, number]) => `${name}:${number}`);
  if (lines.includes(`${file}:${line}`)) return 'the line';
  return lines.some((one) => one.startsWith(`${file}:`) || one.startsWith('index.js:')) ? 'another line' : 'nothing';
}
