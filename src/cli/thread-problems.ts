import type { ThreadProblem } from '../attach/gather-threads.ts';
import { threadName } from '../recording/thread-name.ts';
import { complain } from './output.ts';

/** Names in one sentence. */
const NAMED = 3;

/** Tells people which threads there is no profile (trace …) of: a sentence for each reason. */
export function reportProblems(what: string, problems: readonly ThreadProblem[]): void {
  for (const [problem, of] of byProblem(problems)) {
    const names = of.slice(0, NAMED).map(({ threadId }) => threadName(threadId));
    const more = of.length > NAMED ? [`${of.length - NAMED} more`] : [];
    const all = [...names, ...more];
    const last = all.pop();
    complain(`No ${what} of ${all.length > 0 ? `${all.join(', ')} and ${last}` : last}: ${problem}.`);
  }
}

function byProblem(problems: readonly ThreadProblem[]): Map<string, ThreadProblem[]> {
  const groups = new Map<string, ThreadProblem[]>();
  for (const one of problems) {
    const group = groups.get(one.problem) ?? [];
    groups.set(one.problem, group);
    group.push(one);
  }
  return groups;
}

/** The same in JSON. */
export function problemsJson(problems: readonly ThreadProblem[]): (ThreadProblem & { name: string })[] {
  return problems.map((one) => ({ name: threadName(one.threadId), ...one }));
}
