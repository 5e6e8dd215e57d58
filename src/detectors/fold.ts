/** One root cause is one finding: what it explains is listed as its symptoms. */
import { functionKey, lineKey } from '../recording/places.ts';
import type { Location } from '../recording/types.ts';
import { type Edge, type Node, placedIn, relationOf } from './relation.ts';
import type { Detector, Finding } from './types.ts';
import { SEVERITIES } from './types.ts';

/** What took less than this share of the time of stalls does not explain them. */
const SMALL_PART = 0.25;

/** The causes of one node, by what a symptom may have in common with them; of several equal ones the first counts. */
interface Causes {
  first: Finding;
  /** The first one that is more than info. */
  alarm?: Finding;
  /** By function: where they are, and what is on their stacks. */
  at: Map<string, Finding>;
  through: Map<string, Finding>;
  lines: Map<string, Finding>;
}

/**
 * Walks from causes to symptoms, in the order of the rules' relation. What is itself a symptom explains nothing. Each finding is looked up by
 * its places, so that the work grows with the findings and not with their pairs.
 */
export function fold(findings: readonly Finding[], rules: readonly Detector[]): Finding[] {
  const { order, causes: edges } = relationOf(rules);
  const nodeOf = placedIn(findings, rules);
  const owners = rules.filter(({ owns }) => owns);
  const last = order.size;
  const ordered = findings
    .map((finding) => ({ finding: { ...finding, symptoms: [...finding.symptoms] }, node: nodeOf(finding) }))
    .sort((a, b) => (order.get(a.node) ?? last) - (order.get(b.node) ?? last));
  const known = new Map<Node, Causes>();
  return ordered.flatMap(({ finding, node }) => {
    if (finding.startup || !order.has(node)) return [finding];
    const places = placesOf(finding);
    const owned = owners.filter(({ owns }) => finding.stack.some((frame) => owns!(frame))).map(({ id }) => id);
    const isSymptom = (edges.get(node) ?? []).some((edge) => {
      const of = known.get(edge.cause);
      const cause = of && causeOf(finding, places, edge, of, owned);
      if (cause) addSymptom(cause, finding, of);
      return cause !== undefined;
    });
    if (!isSymptom) keep(known, node, finding, places);
    return isSymptom ? [] : [finding];
  });
}

function causeOf(
  symptom: Finding,
  places: ReadonlySet<string>,
  { share, nowhere, alarm }: Edge,
  of: Causes,
  owned: readonly string[],
): Finding | undefined {
  const { location } = symptom;
  if (share === 'nothing') return alarm ? of.alarm : of.first;
  const isEnough = (cause: Finding | undefined) => (cause && !isSmallPart(cause, symptom) ? cause : undefined);
  if (owned.includes(of.first.rule)) return of.first;
  if (location === null) return nowhere ? of.first : undefined;
  if (share === 'line') return of.lines.get(lineOf(location));
  for (const place of places) {
    const cause = isEnough(of.at.get(place));
    if (cause) return cause;
  }
  return isEnough(of.through.get(functionKey(location)));
}

/** A few stalls at a function, or short collections, do not explain many stalls there. */
function isSmallPart({ times }: Finding, symptom: Finding): boolean {
  return times !== null && symptom.times !== null && times.totalMs < symptom.times.totalMs * SMALL_PART;
}

function keep(known: Map<Node, Causes>, node: Node, finding: Finding, places: ReadonlySet<string>): void {
  const of: Causes = known.get(node) ?? { first: finding, at: new Map(), through: new Map(), lines: new Map() };
  known.set(node, of);
  if (finding.severity !== 'info') of.alarm ??= finding;
  if (!finding.location) return;
  addNew(of.at, functionKey(finding.location), finding);
  addNew(of.lines, lineOf(finding.location), finding);
  for (const place of places) addNew(of.through, place, finding);
}

function addNew(map: Map<string, Finding>, key: string, finding: Finding): void {
  if (!map.has(key)) map.set(key, finding);
}

/** Its function, those that call it, and those that queue up behind it, as far as they are the program's own. */
function placesOf({ location, stack, alsoAt }: Finding): Set<string> {
  const own = [...stack, ...alsoAt].filter(
    ({ file }) => !file.startsWith('node:') && !/[\\/]node_modules[\\/]/.test(file),
  );
  return new Set([...(location ? [location] : []), ...own].map(functionKey));
}

/** The column does not matter. */
function lineOf(place: Location): string {
  return lineKey({ ...place, column: 0 });
}

function addSymptom(cause: Finding, symptom: Finding, of: Causes): void {
  cause.symptoms.push(symptom);
  // It counts other things than its symptom.
  if (cause.work.length === 0) cause.work = symptom.work.map((one) => ({ ...one, count: 1 }));
  if (cause.waited.length === 0) cause.waited = symptom.waited;
  if (SEVERITIES.indexOf(symptom.severity) <= SEVERITIES.indexOf(cause.severity)) return;
  cause.severity = symptom.severity;
  cause.score = Math.max(cause.score, symptom.score);
  of.alarm ??= cause;
}
