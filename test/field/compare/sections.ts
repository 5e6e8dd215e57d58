/** Parts of docs/comparison.md that are written by another script than the rest. Pure. */

const begin = (id: string): string => `<!-- ${id} -->`;
const end = (id: string): string => `<!-- end of ${id} -->`;

/** The part with its marks, and an empty line before it; '' if there is none. */
export function sectionIn(page: string, id: string): string {
  const [from, to] = [page.indexOf(begin(id)), page.indexOf(end(id))];
  return from < 0 || to < 0 ? '' : `\n${page.slice(from, to)}${end(id)}\n`;
}

/** The page with that text in the part, at the end where there was none. */
export function withSection(page: string, id: string, text: string): string {
  const before = sectionIn(page, id);
  const section = `\n${begin(id)}\n${text}\n${end(id)}\n`;
  return before ? page.replace(before, () => section) : `${page}${section}`;
}
