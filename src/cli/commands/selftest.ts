import { existsSync, rmSync } from 'node:fs';
import { availableParallelism, release } from 'node:os';
import { join } from 'node:path';
import { packageVersion } from '../../util/package-root.ts';
import { makeTemporaryFolder } from '../../util/temporary-folder.ts';
import { hasColor, painter, terminalWidth } from '../../util/terminal.ts';
import { UserError } from '../../util/user-error.ts';
import { jsonOption } from '../options.ts';
import { printJson } from '../output.ts';
import { progressLine } from '../progress.ts';
import { checks, contention } from '../selftest/checks.ts';
import { mechanisms } from '../selftest/mechanisms.ts';
import { type SelftestResult, selftestText } from '../selftest/text.ts';
import type { Check } from '../selftest/types.ts';
import { type CliCommand, EXIT } from '../types.ts';

interface Options {
  json?: boolean;
}

export const selftest: CliCommand<Options> = {
  id: 'selftest',
  summary: 'prove that the agent sees known faults on this machine and this Node.js, in about 15 seconds',
  examples: ['evdiag selftest', 'evdiag selftest --json'],
  configure(command) {
    command.addOption(jsonOption());
  },
  async run(_operands, { json }) {
    const result = await selftestOf();
    if (json) printJson(result);
    else {
      const look = { paint: painter(hasColor(process.stdout)), width: terminalWidth(process.stdout) };
      process.stdout.write(selftestText(result, look));
    }
    return result.checks.some(({ state }) => state === 'fails') ? EXIT.found : EXIT.done;
  },
};

async function selftestOf(): Promise<SelftestResult> {
  const folder = makeTemporaryFolder('selftest');
  const line = process.stderr.isTTY ? progressLine() : null;
  const from = performance.now();
  const waiting = new Set([...checks, contention].map(({ id }) => id));
  const show = (): void => line?.show(`waiting for ${[...waiting].join(', ')} …`);
  async function run(check: Check): Promise<SelftestResult['checks'][number]> {
    const { id, title } = check;
    const result = await check.run(join(folder, id)).catch(failure);
    waiting.delete(id);
    show();
    return { id, title, ...result };
  }
  try {
    show();
    const results = await Promise.all(checks.map(run));
    results.push(await run(contention));
    return {
      ...thisMachine(),
      seconds: Math.round((performance.now() - from) / 1000),
      checks: results,
      mechanisms: mechanisms(),
    };
  } finally {
    line?.clear();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What a user can mend is an answer, too; anything else is a bug of ours and goes up. */
function failure(error: unknown): { state: 'fails'; detail: string } {
  if (error instanceof UserError) return { state: 'fails', detail: error.message };
  throw error;
}

function thisMachine() {
  const { versions, platform, arch } = process;
  return {
    schema: 'evdiag-selftest/1' as const,
    evdiag: packageVersion(),
    node: versions.node,
    v8: versions.v8,
    platform: `${platform} ${arch}`,
    kernel: release(),
    cores: availableParallelism(),
    container:
      existsSync('/.dockerenv') || existsSync('/run/.containerenv') || 'KUBERNETES_SERVICE_HOST' in process.env,
  };
}
