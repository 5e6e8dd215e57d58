/** Files that an agent in a container names are elsewhere for us: below `/proc/PID/root`. */
import type { Hello } from '../protocol/hello.ts';
import { isObject } from '../util/shapes.ts';

/** What the agent says of itself, as we see it: `pid` is its number here. */
export function helloFrom(hello: Hello, pid: number, root: string): Hello {
  if (root === '') return { ...hello, pid };
  const { files, family } = hello;
  const moved = files && { ...files, folders: files.folders.map((folder) => root + folder) };
  return { ...hello, pid, family: root + family, ...(moved && { files: moved }) };
}

/** A part of an answer, or its end, with its files as we reach them; the same where it names none. */
export function answerFrom<T>(answer: T, root: string): T {
  if (root === '' || !isObject(answer)) return answer;
  const at = (path: unknown): unknown => (typeof path === 'string' ? root + path : path);
  const { file, folder, files, recording } = answer as Record<string, unknown>;
  return {
    ...answer,
    ...(typeof file === 'string' && 'takenAtMs' in answer && { file: at(file) }),
    ...(typeof folder === 'string' && { folder: at(folder) }),
    ...(typeof recording === 'string' && { recording: at(recording) }),
    ...(isObject(files) && { files: { ...files, snapshot: at(files.snapshot), index: at(files.index) } }),
  };
}
