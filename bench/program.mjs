// Runs one program once, with or without an agent.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** @import { Figures, RunOptions, Variant } from './types.d.ts' */

/** Node 20 reads these certificates at each start, for 40 ms: more than the start that is measured. */
const { NODE_EXTRA_CA_CERTS: _, ...ENVIRONMENT } = process.env;
const PROGRAMS = fileURLToPath(new URL('programs/', import.meta.url));

/**
 * @param {Variant} variant
 * @param {string} program a file of programs/
 * @param {RunOptions} options
 */
export function startProgram({ node, agent, level, out }, program, { flags = [], args = [], preload = true, stdio }) {
  const agentFlags = agent && preload ? ['-r', agent] : [];
  const child = spawn(node, [...agentFlags, ...flags, join(PROGRAMS, program), ...args], {
    env: { ...ENVIRONMENT, EVDIAG_LEVEL: level, EVDIAG_OUT: out, EVDIAG_QUIET: '1' },
    stdio,
  });
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal }));
  return { child, ended };
}

/**
 * What the program printed as JSON, and its whole wall time.
 *
 * @param {Variant} variant
 * @param {string} program
 * @param {RunOptions} options
 * @returns {Promise<Figures>}
 */
export async function measureProgram(variant, program, options = {}) {
  const startedAt = performance.now();
  const { child, ended } = startProgram(variant, program, { ...options, stdio: ['ignore', 'pipe', 'inherit'] });
  let printed = '';
  child.stdout?.on('data', (chunk) => {
    printed += chunk;
  });
  const { code } = await ended;
  if (code !== 0) throw new Error(`${program} ended with code ${code}`);
  return { ...JSON.parse(printed || '{}'), processMs: performance.now() - startedAt };
}
