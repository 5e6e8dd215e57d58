import { isAbsolute, relative, sep } from 'node:path';

/**
 * The path of a file in a checkout: relative to `root`, with slashes; null for what lies outside of it (Node's own files,
 * packages elsewhere), which no annotation can be attached to.
 */
export function repositoryPath(file: string, root: string): string | null {
  if (!isAbsolute(file)) return null;
  const path = relative(root, file);
  return path === '' || path === '..' || path.startsWith(`..${sep}`) || isAbsolute(path)
    ? null
    : path.split(sep).join('/');
}
