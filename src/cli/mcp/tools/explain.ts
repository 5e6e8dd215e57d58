import { needsText } from '../../../detectors/needs-text.ts';
import { detectors } from '../../../detectors/rules/index.ts';
import { type Detector, type KindText, limitText } from '../../../detectors/types.ts';
import { meantRule } from '../../meant-rule.ts';
import type { Answer, Tool } from '../types.ts';

const FIELDS = {
  rule: {
    type: 'string',
    description:
      'Id of a rule or of a kind of finding, such as "blocked-event-loop" or "sync-crypto". Lists the rules if left out.',
  },
} as const;

export const explain: Tool<typeof FIELDS> = {
  id: 'explain',
  title: 'Explain a finding',
  description:
    'Explains a rule or a kind of finding: what it means, how it is detected, its thresholds, what it cannot see, what to change, with an example of the sick line and its cure.',
  isAction: false,
  fields: FIELDS,
  run({ rule: word }) {
    if (word === undefined) {
      const all = detectors.map(({ id, title }) => ({ rule: id, title }));
      return { facts: {}, entries: { name: 'rules', all } };
    }
    const name = meantRule(word);
    const rule = detectors.find(({ id }) => id === name);
    return rule ? ofRule(rule) : ofKind(name);
  },
};

function ofRule(rule: Detector): Answer {
  const { id, title, description, remedy, thresholds, limits, kinds } = rule;
  return {
    facts: {
      rule: id,
      title,
      meaning: description,
      remedy,
      detected: needsText(rule),
      thresholds,
      limits: limits.map(limitText),
    },
    // The examples of all kinds are long: those of one are had by its name.
    entries: { name: 'kinds', all: kinds.map(({ kind, title: what, remedy: cure }) => ({ kind, what, remedy: cure })) },
  };
}

function ofKind(name: string): Answer {
  const uses = detectors.flatMap(({ id, kinds }) =>
    kinds.filter(({ kind }) => kind === name).map((kind) => useOf(id, kind)),
  );
  return { facts: { kind: name }, entries: { name: 'rules', all: uses } };
}

function useOf(rule: string, { title, remedy, example }: KindText): object {
  return { rule, title, remedy, example: example.trimEnd().split('\n') };
}
