/** The first Node that does not list pending file operations among the active resources and requests (25 does). */
const FIRST_WITHOUT_FILES = 26;

/** What a Node of this version leaves out of its lists of open resources, in words; null if they are complete. */
export function unlistedResources(nodeVersion: string): string | null {
  const major = Number.parseInt(nodeVersion.replace(/^v/, ''), 10);
  return major >= FIRST_WITHOUT_FILES ? `Node ${major} does not list pending file operations` : null;
}
