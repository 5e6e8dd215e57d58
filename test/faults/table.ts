import type { Outcome } from './run-fault.ts';

export type MeasuredFault =
  | { name: string; problem: string }
  | { name: string; problem: null; without: Outcome; observed: Outcome };

/** A difference that a person would not notice, beside what starting a thread costs on a busy machine. */
const NOTICED_MS = 1000;

/** The page of the faults, as Markdown. */
export function faultTable(rows: readonly MeasuredFault[]): string {
  return `# Reliability

What happens to a program, once without and once with the agent. Each row was measured with real processes on Node ${process.versions.node}
(${process.platform}); \`npm run faults\` measures them anew and writes this page.

- **Ends** and **prints**: exit code or signal as the parent sees them, and stdout and stderr without the agent's own lines.
- **Time**: *same* is within ${NOTICED_MS / 1000} s. Where the watchdog does not answer, the exit waits 1.5 s for it, and about one second more.
- **Recording**: *whole* has the row of the end. Lost rows are counted in the recording itself.

| fault | without the agent | with the agent | prints | time | recording | the agent says |
| ----- | ----------------- | -------------- | ------ | ---- | --------- | -------------- |
${rows.map(lineOf).join('\n')}
`;
}

function lineOf(row: MeasuredFault): string {
  if (row.problem !== null) return `| ${row.name} | not measured: ${row.problem} | | | | | |`;
  const { without, observed } = row;
  const prints = without.stdout === observed.stdout && without.ownStderr === observed.ownStderr ? 'same' : 'differs';
  const more = observed.ms - without.ms;
  const time = more < NOTICED_MS ? 'same' : `+${(more / 1000).toFixed(1)} s`;
  const cells = [row.name, without.end, observed.end, prints, time, observed.recording, said(observed)];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

/** The first line that is neither the summary nor a stall. */
function said({ said }: Outcome): string {
  const end = said.findIndex((line) => /^(recorded|watched for) /.test(line));
  const own = said.slice(0, end < 0 ? said.length : end).filter((line) => !line.startsWith('event loop '));
  return (own[0] ?? '').replace(/\/\S*evdiag-fault-[^/\s]*/g, '…').replace(/\d{8}-\d{6}-\d+\/main-\d+/g, '…');
}
