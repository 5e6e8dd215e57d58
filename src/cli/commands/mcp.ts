import { complain } from '../output.ts';
import { type CliCommand, EXIT } from '../types.ts';

interface Options {
  allowActions?: boolean;
}

export const mcp: CliCommand<Options> = {
  id: 'mcp',
  summary: 'answer an assistant or editor over MCP on stdin and stdout: processes, findings, dumps, profiles, leaks',
  examples: [
    'evdiag mcp                                    reads only; an assistant starts it',
    'evdiag mcp --allow-actions                    may also attach, profile, take heap snapshots, run scenarios',
  ],
  configure(command) {
    command.option(
      '--allow-actions',
      'also what attaches to processes, pauses or profiles them, and what starts example programs',
    );
  },
  async run(_operands, { allowActions = false }) {
    if (process.stdin.isTTY) complain('It speaks MCP on stdin and stdout: an assistant starts it. Ctrl-C ends it.');
    // Only here: neither this nor the SDK costs the other commands anything.
    const { serve } = await import('../mcp/serve.ts');
    await serve({ allowActions }, process.stdin, process.stdout);
    return EXIT.done;
  },
};
