import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { inLab, ROOT } from '../support/run-agent.ts';

vi.setConfig({ testTimeout: 200_000 });

const isThere = (command: string): boolean =>
  (process.env.PATH ?? '').split(':').some((folder) => existsSync(join(folder, command)));
const without = isThere('prometheus') ? '' : ' (skipped: Debian package prometheus is not installed)';

const page = readFileSync(join(ROOT, 'docs/metrics.md'), 'utf8');
const alerts = readFileSync(join(ROOT, 'metrics/alerts.yml'), 'utf8');
const dashboard = readFileSync(join(ROOT, 'metrics/grafana.json'), 'utf8');

/** Metrics that a text names, without what Prometheus adds to histograms. */
function namesIn(text: string): string[] {
  return [
    ...new Set(
      [...text.matchAll(/\b(?:evdiag|nodejs|process)_\w+\b/g)].map(([name]) =>
        name.replace(/_(bucket|sum|count)$/, ''),
      ),
    ),
  ];
}

test.each([
  ['alerts.yml', alerts.replaceAll(/description:.*/g, '')],
  ['grafana.json', dashboard],
])('%s asks only for metrics that are served', (_, text) => {
  const documented = new Set(namesIn(page.slice(page.indexOf('## Metrics'))));
  expect(namesIn(text).length).toBeGreaterThan(4);
  expect(namesIn(text).filter((name) => !documented.has(name))).toEqual([]);
});

/** Expressions of the dashboard, with its variables filled in. */
const expressions = (JSON.parse(dashboard) as { panels: { targets: { expr: string }[] }[] }).panels.flatMap(
  ({ targets }) =>
    targets.map(({ expr }) =>
      expr.replaceAll('$__rate_interval', '1m').replaceAll('"$job"', '".+"').replaceAll('"$instance"', '".+"'),
    ),
);

describe.skipIf(without !== '')(`Prometheus${without}`, () => {
  test('promtool accepts the alert rules', () => {
    const said = execFileSync('promtool', ['check', 'rules', join(ROOT, 'metrics/alerts.yml')], { encoding: 'utf8' });
    expect(said).toContain('SUCCESS');
  });

  test(
    'scrapes while the loop is blocked, and answers PromQL with the stall; the dashboard and the alerts can be asked',
    inLab(async (lab) => {
      const text = `
const { existsSync } = require('node:fs');
const sleeping = new Int32Array(new SharedArrayBuffer(4));
process.on('SIGUSR2', () => { while (!existsSync('go')) Atomics.wait(sleeping, 0, 0, 10); });
setInterval(() => {}, 1e6);
console.log('ready');`;
      const program = lab.start(lab.file('app.cjs', text), { env: { EVDIAG_METRICS: '127.0.0.1:0' }, hangMs: 190_000 });
      await Promise.all([program.until('stdout', 'ready'), program.until('stderr', '/metrics\n')]);
      const target = /http:\/\/(\S+)\/metrics/.exec(program.stderr())![1]!;
      lab.file(
        'prometheus.yml',
        `global: { scrape_interval: 250ms, scrape_timeout: 250ms, evaluation_interval: 1s }
rule_files: [${JSON.stringify(join(ROOT, 'metrics/alerts.yml'))}]
scrape_configs:
  - job_name: app
    scrape_interval: 1s
    scrape_timeout: 1s
    static_configs: [{ targets: [${JSON.stringify(target)}] }]\n`,
      );
      const { port, stop } = await startPrometheus(lab.folder);
      try {
        const ask = async (query: string): Promise<number[]> => {
          const answer = await fetch(`http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(query)}`);
          const { status, data, error } = (await answer.json()) as QueryAnswer;
          expect(status, `${query}: ${error}`).toBe('success');
          return data.result.map(({ value }) => Number(value[1]));
        };
        const until = async (query: string, isGood: (values: number[]) => boolean): Promise<number[]> => {
          for (let i = 0; i < 1500; i++) {
            const values = await ask(query);
            if (isGood(values)) return values;
            await setTimeout(100);
          }
          throw new Error(`never: ${query}`);
        };
        await until('up{job="app"}', ([up]) => up === 1);
        program.kill('SIGUSR2');
        await until('evdiag_stall_open_seconds', ([seconds = 0]) => seconds > 1);
        expect(await ask('up{job="app"}')).toEqual([1]);
        writeFileSync(join(lab.folder, 'go'), '');
        await until('evdiag_stall_open_seconds', ([seconds]) => seconds === 0);
        await until('sum(evdiag_stalls_total)', ([stalls = 0]) => stalls > 0);
        await until('max_over_time(nodejs_eventloop_lag_max_seconds[5m])', ([seconds = 0]) => seconds > 1);
        await until('evdiag_stall_duration_seconds_sum', ([seconds = 0]) => seconds > 1);
        for (const expression of expressions) await ask(expression);
        const rules = (await (await fetch(`http://127.0.0.1:${port}/api/v1/rules`)).json()) as RulesAnswer;
        expect(
          rules.data.groups.flatMap((group) => group.rules).map(({ health, lastError }) => [health, lastError]),
        ).not.toContainEqual(['err', expect.anything()]);
      } finally {
        await stop();
      }
      program.kill('SIGTERM');
      await program.ended;
    }),
  );
});

interface QueryAnswer {
  status: string;
  error?: string;
  data: { result: { value: [number, string] }[] };
}

interface RulesAnswer {
  data: { groups: { rules: { health: string; lastError?: string }[] }[] };
}

async function startPrometheus(folder: string): Promise<{ port: number; stop: () => Promise<void> }> {
  // It cannot choose a port by itself.
  for (let i = 0; i < 10; i++) {
    const port = await freePort();
    const child = spawn(
      'prometheus',
      [
        `--config.file=${folder}/prometheus.yml`,
        `--storage.tsdb.path=${folder}/data-${i}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    const isReady = await new Promise<boolean>((resolve) => {
      let said = '';
      child.stderr.setEncoding('utf8').on('data', (more: string) => {
        said += more;
        if (said.includes('Server is ready')) resolve(true);
      });
      child.once('close', () => resolve(false));
    });
    if (!isReady) continue;
    const stop = async (): Promise<void> => {
      const closed = once(child, 'close');
      child.kill('SIGKILL');
      await closed;
    };
    return { port, stop };
  }
  throw new Error('Prometheus found no port');
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
