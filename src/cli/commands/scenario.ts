import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Finding } from '../../detectors/types.ts';
import { readFamily } from '../../recording/reader.ts';
import { placeText } from '../../util/place-text.ts';
import { makeTemporaryFolder } from '../../util/temporary-folder.ts';
import { hasColor, type Paint, painter } from '../../util/terminal.ts';
import { stripControl } from '../../util/text.ts';
import { launchScenario } from '../launch-scenario.ts';
import { jsonOption } from '../options.ts';
import { printJson, reportOf } from '../output.ts';
import { expectedText, findScenario, type ScenarioInfo } from '../scenario-list.ts';
import { type CliCommand, EXIT } from '../types.ts';

interface Options {
  fixed?: boolean;
  out?: string;
  json?: boolean;
}

interface Variant {
  variant: 'broken' | 'fixed';
  /** What it printed about itself. */
  headline: string;
  exitCode: number;
  findings: Finding[];
  met: boolean;
}

export const scenario: CliCommand<Options> = {
  id: 'scenario',
  summary: 'run an example program, broken and fixed, under the agent, and compare',
  examples: ['evdiag scenario sync-io', 'evdiag scenario sync-io --fixed'],
  configure(command) {
    command
      .argument('<id>', 'id of a scenario, see "evdiag scenarios"')
      .option('--fixed', 'run only the fixed program')
      .option('--out <folder>', 'keep the recordings in this folder')
      .addOption(jsonOption());
  },
  async run([id = ''], { fixed, out, json }) {
    const info = await findScenario(id);
    const lacking = info.lacks?.() ?? null;
    if (lacking !== null) {
      if (json) printJson({ id, title: info.title, lacks: lacking });
      else process.stdout.write(`${id} cannot run here: it needs ${lacking}.\n`);
      return EXIT.done;
    }
    const folder = out ?? makeTemporaryFolder('scenario');
    try {
      const variants: Variant[] = [];
      if (!fixed) variants.push(await runVariant(info, 'broken', join(folder, 'broken')));
      variants.push(await runVariant(info, 'fixed', join(folder, 'fixed')));
      const met = variants.every((variant) => variant.met);
      if (json) printJson({ id, title: info.title, expect: info.expect, met, variants });
      else process.stdout.write(comparison(info, variants, met));
      return met ? EXIT.done : EXIT.found;
    } finally {
      if (out === undefined) rmSync(folder, { recursive: true, force: true });
    }
  },
};

async function runVariant(info: ScenarioInfo, variant: Variant['variant'], out: string): Promise<Variant> {
  if (process.stderr.isTTY) process.stderr.write(`running ${info.id}, ${variant} …\n`);
  const { family, exitCode, headline } = await launchScenario(info.id, variant, out);
  const { findings } = reportOf(readFamily(family));
  const met = exitCode === 0 && (variant === 'broken' ? causes(info, findings) : isHealthy(findings));
  return { variant, headline, exitCode, findings, met };
}

function causes({ expect }: ScenarioInfo, findings: readonly Finding[]): boolean {
  if (expect.length === 0) return isHealthy(findings);
  return expect.every(({ rule, kind }) => findings.some((finding) => finding.rule === rule && finding.kind === kind));
}

function isHealthy(findings: readonly Finding[]): boolean {
  return findings.every(({ severity }) => severity === 'info');
}

function comparison(info: ScenarioInfo, variants: readonly Variant[], met: boolean): string {
  const paint = painter(hasColor(process.stdout));
  const lines = [
    `${paint(info.id, 'bold')}: ${info.title}`,
    `expected  ${expectedText(info)}`,
    ...variants.flatMap((variant) => variantLines(variant, paint)),
    '',
    met ? paint('As expected.', 'green', 'bold') : paint('Not as expected.', 'red', 'bold'),
  ];
  return `${lines.join('\n')}\n`;
}

function variantLines({ variant, headline, exitCode, findings, met }: Variant, paint: Paint): string[] {
  const mark = met ? paint('✓', 'green') : paint('✗', 'red');
  const found = findings.map(({ severity, message, location }) => {
    const place = location === null ? '' : `\n${' '.repeat(13)}${paint(placeText(location), 'cyan')}`;
    return `    ${severity.padEnd(9)}${stripControl(message)}${place}`;
  });
  return [
    '',
    `${mark} ${paint(variant.padEnd(6), 'bold')}  ${headline}${exitCode === 0 ? '' : ` (exit code ${exitCode})`}`,
    ...(found.length > 0 ? found : [`    ${paint('nothing found', 'dim')}`]),
  ];
}
