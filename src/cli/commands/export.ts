import { Option } from 'commander';
import { doctorFolder } from '../../exporters/clinic-doctor/files.ts';
import { readFamily } from '../../recording/reader.ts';
import { headed } from '../../report/report.ts';
import { InputError } from '../../util/input-error.ts';
import { jsonOption } from '../options.ts';
import { printJson, reportOf } from '../output.ts';
import { type CliCommand, EXIT } from '../types.ts';
import { writeFolder } from '../write-folder.ts';

interface Options {
  to: string;
  output: string;
  json?: boolean;
}

const exportRecording: CliCommand<Options> = {
  id: 'export',
  summary: 'write a recording in the format of another tool',
  examples: [
    'evdiag export --to clinic-doctor             then: clinic doctor --visualize-only 4711.clinic-doctor',
    'evdiag export DIR --to clinic-doctor -o .clinic',
  ],
  configure(command) {
    command
      .argument('[input]', 'recording, or a folder of recordings (the newest one is used)', '.evdiag')
      .addOption(new Option('--to <tool>', 'what reads it').choices(['clinic-doctor']).makeOptionMandatory())
      .option('-o, --output <folder>', 'folder in which PID.clinic-doctor is made', '.')
      .addOption(jsonOption());
  },
  run([input = '.evdiag'], { to, output, json }) {
    const family = readFamily(input);
    // Of a family the program that matters: clinic doctor knows no others, and no worker threads.
    const recording = headed(reportOf(family), family.recordings)!;
    if (recording.foreign !== undefined)
      throw new InputError(`"${input}" is a recording of ${recording.foreign} already.`);
    const made = doctorFolder(recording);
    const folder = writeFolder(made, output);
    const { pid } = recording.header;
    if (json) printJson({ folder, format: to, pid, sampleCount: made.sampleCount });
    else
      process.stdout.write(
        `${folder}: pid ${pid}, ${made.sampleCount} samples. clinic doctor --visualize-only ${folder}\n`,
      );
    return EXIT.done;
  },
};

// The name of a command and of its export are one, and this one is a keyword.
export { exportRecording as export };
