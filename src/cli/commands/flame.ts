import { Option } from 'commander';
import { html, htmlWith } from '../../exporters/html.ts';
import { speedscope } from '../../exporters/speedscope.ts';
import { totalOf, withoutIdle } from '../../profile/call-tree.ts';
import { takenText } from '../../profile/taken-text.ts';
import type { Profile } from '../../profile/types.ts';
import { editorPattern } from '../../util/editors.ts';
import { InputError } from '../../util/input-error.ts';
import { openFile, speedscopePage } from '../open-file.ts';
import { editorOption, jsonOption } from '../options.ts';
import { complain, printJson } from '../output.ts';
import { exporterFor, formatOption, leftOut } from '../profile/export-profile.ts';
import { type CutOptions, cutOptions, inputProfile } from '../profile/profile-input.ts';
import { type CliCommand, EXIT } from '../types.ts';
import { freeName, writePrivate } from '../write-file.ts';

/** They leave idle time out. */
const DRAWN = ['html', 'svg'];

interface Options extends CutOptions {
  output?: string;
  format?: string;
  open?: boolean;
  viewer: '0x' | 'speedscope';
  editor: string;
  json?: boolean;
}

export const flame: CliCommand<Options> = {
  id: 'flame',
  summary: 'draw a flamegraph of a profile, or convert the profile to another format',
  examples: [
    'evdiag flame app.cpuprofile --open',
    'evdiag flame .evdiag -o flame.svg',
    'evdiag flame app.cpuprofile --from 2 --to 5 --focus render -o part.html',
    'evdiag flame app.cpuprofile --stall longest --hide node_modules',
    'evdiag flame app.pb.gz -o app.speedscope.json',
  ],
  configure(command) {
    command
      .argument(
        '<input>',
        'profile (.cpuprofile, .heapprofile, pprof, speedscope, collapsed stacks), or a folder (its newest profile)',
      )
      .option('-o, --output <file>', 'output file; - is stdout (default: flame.html, or flame-2.html …)')
      .addOption(formatOption())
      .option('--open', 'open the file afterwards')
      .addOption(
        new Option('--viewer <name>', 'draw with 0x, or open in speedscope if that is installed')
          .choices(['0x', 'speedscope'])
          .default('0x'),
      )
      .addOption(editorOption())
      .addOption(jsonOption());
    for (const option of cutOptions()) command.addOption(option);
  },
  run([input = ''], options) {
    const editor = editorPattern(options.editor);
    const profile = inputProfile(input, options);
    if (profile.threads.every((thread) => totalOf(thread) === 0)) throw new InputError(emptyText(input, profile));
    if (options.viewer === 'speedscope') {
      openFile(speedscopePage(String(speedscope.write(profile)), profile.title));
      return EXIT.done;
    }
    const exporter = exporterFor(options.output, options.format, 'html');
    if (DRAWN.includes(exporter.id) && profile.threads.every((thread) => totalOf(withoutIdle(thread)) === 0))
      throw new InputError(`"${input}" is idle all of this time: there is nothing to draw.`);
    const content = exporter === html ? htmlWith(profile, editor) : exporter.write(profile);
    const file = options.output ?? freeName('flame', exporter.extension);
    const hint = leftOut(profile, exporter);
    if (hint) complain(hint);
    if (file === '-') {
      process.stdout.write(content);
      return EXIT.done;
    }
    writePrivate(file, [content]);
    if (options.json) printJson({ file, format: exporter.id, title: profile.title, kind: profile.kind });
    else complain(`${file}: ${exporter.title}, ${takenText(profile)}.`);
    if (options.open) openFile(file);
    return EXIT.done;
  },
};

/** For a dump that is good news, unless a part was asked for. */
function emptyText(input: string, { kind }: Profile): string {
  const dumped = kind === 'waiting' ? ': no call was waiting there when the dump was taken' : '';
  return `"${input}" has no samples, or none in the part that was asked for${dumped}.`;
}
