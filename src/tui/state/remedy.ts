/** What a scenario's cure changes, read from its source: both variants are in one file and share most of it. */

export interface DiffLine {
  kind: 'same' | 'gone' | 'new';
  text: string;
}

interface Declaration {
  name: string;
  lines: string[];
}

/** The declarations that only one variant uses, and the variants themselves, as a diff. [] if the source has none. */
export function remedyOf(source: string): DiffLine[] {
  const variants = variantsOf(source);
  if (!variants) return [];
  const declarations = declarationsOf(source);
  const broken = usedBy(variants.broken.join('\n'), declarations);
  const fixed = usedBy(variants.fixed.join('\n'), declarations);
  const own = (used: ReadonlySet<string>, other: ReadonlySet<string>, variant: string[]): string[] => [
    ...declarations.filter(({ name }) => used.has(name) && !other.has(name)).flatMap(({ lines }) => [...lines, '']),
    ...variant,
  ];
  return diff(own(broken, fixed, variants.broken), own(fixed, broken, variants.fixed));
}

/** Lines of the file that end in `// guilty`, 1-based. */
export function guiltyLinesOf(source: string): number[] {
  return source.split('\n').flatMap((text, i) => (text.endsWith('// guilty') ? [i + 1] : []));
}

/** The fields `broken` and `fixed` of the scenario, which is the last declaration. */
function variantsOf(source: string): { broken: string[]; fixed: string[] } | null {
  const lines = source.split('\n');
  const broken = lines.findIndex((line) => /^ {2}(async )?broken\b/.test(line));
  const fixed = lines.findIndex((line, i) => i > broken && /^ {2}(async )?fixed\b/.test(line));
  const end = lines.findIndex((line, i) => i > fixed && line.startsWith('}'));
  if (broken < 0 || fixed < 0 || end < 0) return null;
  return { broken: lines.slice(broken, fixed), fixed: lines.slice(fixed, end) };
}

/** Functions, classes and constants at the top of the file, with their comments. */
function declarationsOf(source: string): Declaration[] {
  const found: Declaration[] = [];
  let lines: string[] = [];
  let name: string | null = null;
  const close = (): void => {
    if (name !== null) found.push({ name, lines: lines.filter((line, i) => line !== '' || i < lines.length - 1) });
    name = null;
    lines = [];
  };
  for (const line of source.split('\n')) {
    const start = /^(?:export )?(?:async )?(?:function\*?|const|let|class) (\w+)/.exec(line);
    if (start && name !== null) close();
    if (name !== null && (line.startsWith('/**') || line.startsWith('import '))) close();
    if (start) name = start[1]!;
    if (start || name !== null || line.startsWith('/**') || line.startsWith(' *')) lines.push(line);
  }
  close();
  return found.filter(({ lines: own }) => !own.some((line) => /^ {2}(async )?broken\b/.test(line)));
}

/** Names that the text reaches, through the declarations that it names. */
function usedBy(text: string, declarations: readonly Declaration[]): Set<string> {
  const used = new Set<string>();
  const visit = (code: string): void => {
    const words = new Set(code.match(/\w+/g));
    for (const { name, lines } of declarations) {
      if (!words.has(name) || used.has(name)) continue;
      used.add(name);
      visit(lines.join('\n'));
    }
  };
  visit(text);
  return used;
}

/** By the longest common subsequence: scenarios are short. */
function diff(before: readonly string[], after: readonly string[]): DiffLine[] {
  const common: number[][] = Array.from({ length: before.length + 1 }, () => new Array(after.length + 1).fill(0));
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      const longest =
        before[i] === after[j] ? common[i + 1]![j + 1]! + 1 : Math.max(common[i + 1]![j]!, common[i]![j + 1]!);
      common[i]![j] = longest;
    }
  }
  const lines: DiffLine[] = [];
  let [i, j] = [0, 0];
  while (i < before.length || j < after.length) {
    if (i < before.length && j < after.length && before[i] === after[j]) {
      lines.push({ kind: 'same', text: before[i]! });
      i++;
      j++;
    } else if (j >= after.length || (i < before.length && common[i + 1]![j]! >= common[i]![j + 1]!)) {
      lines.push({ kind: 'gone', text: before[i++]! });
    } else lines.push({ kind: 'new', text: after[j++]! });
  }
  return lines;
}
