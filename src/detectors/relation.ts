/** Which findings explain which, as the rules declare it (`explains`): a graph without cycles, made once. */
import type { Detector, Explains, Finding } from './types.ts';

/** Findings that are related in the same way: of one rule and kind, and of one weight if the rule distinguishes weights. */
export type Node = string;

function nodeOf(rule: string, kind: string, isMinor: boolean): Node {
  return `${rule} ${kind}${isMinor ? ' minor' : ''}`;
}

/** What a cause must have in common with its symptom. */
export interface Edge {
  cause: Node;
  share: NonNullable<Explains['share']>;
  nowhere: boolean;
  alarm: boolean;
}

export interface Relation {
  /** Causes come before their symptoms. */
  order: ReadonlyMap<Node, number>;
  /** The causes that each node may have, in that order. */
  causes: ReadonlyMap<Node, readonly Edge[]>;
}

interface Arrow {
  from: Node;
  to: Node;
  explains: Explains;
}

const known = new WeakMap<readonly Detector[], Relation>();

/** Throws if the rules explain each other in a cycle. */
export function relationOf(rules: readonly Detector[]): Relation {
  const relation = known.get(rules) ?? makeRelation(rules);
  known.set(rules, relation);
  return relation;
}

function makeRelation(rules: readonly Detector[]): Relation {
  const nodes = rules.flatMap(nodesOf);
  const arrows = rules.flatMap((rule) => arrowsOf(rule, rules));
  const order = new Map(sorted(nodes, arrows).map((node, i) => [node, i]));
  const ruleOf = new Map(rules.flatMap((rule) => nodesOf(rule).map((node) => [node, rule.id] as const)));
  const causes = new Map<Node, Edge[]>();
  for (const cause of order.keys()) {
    for (const [symptom, { share = 'function', nowhere = false, alarm = false }] of reached(cause, arrows)) {
      if (ruleOf.get(symptom) === ruleOf.get(cause)) continue;
      causes.set(symptom, [...(causes.get(symptom) ?? []), { cause, share, nowhere, alarm }]);
    }
  }
  return { order, causes };
}

function nodesOf({ id, kinds, minor }: Detector): Node[] {
  const weights = minor ? [false, true] : [false];
  return kinds.flatMap(({ kind }) => weights.map((isMinor) => nodeOf(id, kind, isMinor)));
}

function arrowsOf(rule: Detector, rules: readonly Detector[]): Arrow[] {
  return (rule.explains ?? []).flatMap((explains) => {
    const symptom = rules.find(({ id }) => id === explains.rule);
    if (!symptom) return [];
    const from = chosen(rule, explains.of, explains.ofMinor);
    return from.flatMap((node) =>
      chosen(symptom, explains.kinds, explains.isMinor).map((to) => ({ from: node, to, explains })),
    );
  });
}

function chosen(rule: Detector, kinds: readonly string[] | undefined, isMinor: boolean | undefined): Node[] {
  const weights = rule.minor ? [false, true].filter((minor) => isMinor === undefined || minor === isMinor) : [false];
  return rule.kinds
    .filter(({ kind }) => kinds === undefined || kinds.includes(kind))
    .flatMap(({ kind }) => weights.map((minor) => nodeOf(rule.id, kind, minor)));
}

/** Everything that a cause explains: what it names, and what a symptom at a function explains. */
function reached(cause: Node, arrows: readonly Arrow[]): Map<Node, Explains> {
  const found = new Map<Node, Explains>();
  for (const { from, to, explains } of arrows) if (from === cause) found.set(to, explains);
  const open = [...found].filter(([, explains]) => isPassedOn(explains)).map(([node]) => node);
  for (const node of open) {
    for (const { from, to, explains } of arrows) {
      if (from !== node || !isPassedOn(explains) || found.has(to)) continue;
      found.set(to, { rule: explains.rule });
      open.push(to);
    }
  }
  return found;
}

function isPassedOn({ share = 'function', alone }: Explains): boolean {
  return share === 'function' && !alone;
}

/** Depth-first, unless one is met again on the way to itself. */
function sorted(nodes: readonly Node[], arrows: readonly Arrow[]): Node[] {
  const done: Node[] = [];
  const state = new Map<Node, 'open' | 'done'>();
  const visit = (node: Node): void => {
    if (state.get(node) === 'done') return;
    if (state.get(node) === 'open') throw new Error(`the rules explain each other in a circle, over ${node}`);
    state.set(node, 'open');
    for (const { from, to } of arrows) if (from === node) visit(to);
    state.set(node, 'done');
    done.push(node);
  };
  for (const node of nodes) visit(node);
  const causes = new Set(arrows.map(({ from }) => from));
  // What explains nothing comes last: by then each cause is as severe as its worst symptom.
  return done.reverse().sort((a, b) => Number(causes.has(b)) - Number(causes.has(a)));
}

/** The node of each finding. */
export function placedIn(findings: readonly Finding[], rules: readonly Detector[]): (finding: Finding) => Node {
  const minor = rules.map((rule) => rule.minor?.(findings)).filter((set) => set !== undefined);
  return (finding) =>
    nodeOf(
      finding.rule,
      finding.kind,
      minor.some((set) => set.has(finding)),
    );
}
