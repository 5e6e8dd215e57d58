import { detectors } from '../detectors/rules/index.ts';
import { InputError } from '../util/input-error.ts';
import { closest } from '../util/text.ts';

const MOST_NAMED = 8;

/** The id of a rule or kind: as given, or the only one that begins with it. Throws InputError. */
export function meantRule(word: string): string {
  const names = [...new Set(detectors.flatMap(({ id, kinds }) => [id, ...kinds.map(({ kind }) => kind)]))];
  if (names.includes(word)) return word;
  const longer = names.filter((name) => word !== '' && name.startsWith(word));
  if (longer.length === 1) return longer[0]!;
  const near = closest(word, names);
  const hint =
    longer.length > 1
      ? `Several match: ${longer.slice(0, MOST_NAMED).join(', ')}.`
      : near === null
        ? 'List the rules with "evdiag explain".'
        : `Did you mean "${near}"?`;
  throw new InputError(`There is no rule or kind "${word}". ${hint}`);
}
