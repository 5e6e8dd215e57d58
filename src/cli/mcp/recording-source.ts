import { connect } from '../../attach/connect.ts';
import { type Family, readFamily } from '../../recording/reader.ts';
import { InputError } from '../../util/input-error.ts';

export interface SourceGiven {
  pid: number | undefined;
  recording: string | undefined;
}

/** The recording that is meant: of a folder, or of a process that runs with the agent, as far as it is written. Throws InputError and TargetError. */
export async function recordingSource(given: SourceGiven): Promise<Family> {
  return readFamily(await recordingPath(given));
}

export async function recordingPath({ pid, recording }: SourceGiven): Promise<string> {
  if (pid === undefined) return recording ?? '.evdiag';
  if (recording !== undefined) throw new InputError('Give "pid" or "recording", not both.');
  const connection = await connect(pid);
  connection.close();
  return connection.hello.family;
}
