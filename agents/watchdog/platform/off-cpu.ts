import type { V8CpuProfile, V8ProfileNode } from '../../../src/protocol/profile-parts.ts';
import type { ThreadCpu } from './thread-cpu.ts';
import type { ThreadStat } from './thread-stat.ts';

/** How often the thread's state is read; only while a profile is taken. */
const LOOK_MS = 10;
/** V8's own signals wake a waiting thread, once for each sample. */
const RAN_SHARE = 0.25;
/** Less than that is such a signal, or the end of the wait. */
const HARDLY_RAN_SHARE = 0.1;

/** What the platform reports about a thread without disturbing it. */
export interface ThreadClocks {
  stat(): ThreadStat | null;
  cpu(): ThreadCpu | null;
}

/** From and to, in µs of the clock that V8 stamps samples with. */
export type Span = [fromUs: number, toUs: number];

/** Notes when a thread waits for other threads, as a worker of a pool does in Atomics.wait, until it is stopped. */
export function noteWaits({ stat, cpu }: ThreadClocks): () => Span[] {
  const spans: Span[] = [];
  const read = () => ({ atUs: Number(process.hrtime.bigint()) / 1000, state: stat()?.state, cpuMs: cpu()?.cpuMs ?? 0 });
  let before = read();
  const look = (): void => {
    const now = read();
    const lastedMs = (now.atUs - before.atUs) / 1000;
    const waits = [before, now].filter(({ state }) => state === 'locked').length;
    const most = [0, HARDLY_RAN_SHARE, RAN_SHARE][waits]!;
    if (now.cpuMs - before.cpuMs < lastedMs * most) {
      const last = spans.at(-1);
      if (last?.[1] === before.atUs) last[1] = now.atUs;
      else spans.push([before.atUs, now.atUs]);
    }
    before = now;
  };
  const timer = setInterval(look, LOOK_MS);
  return () => {
    clearInterval(timer);
    look();
    return spans;
  };
}

/** V8 counts what waits in a native call for the function that called it: within these spans it is idle. */
export function withIdle(profile: V8CpuProfile, spans: readonly Span[]): V8CpuProfile {
  if (spans.length === 0) return profile;
  const nodes = profile.nodes.map((node) => ({
    ...node,
    ...(node.positionTicks && { positionTicks: [...node.positionTicks] }),
  }));
  const byId = new Map<number, Counted>(nodes.map((node) => [node.id, node]));
  const idle = idleNode(nodes);
  byId.set(idle.id, idle);
  let atUs = profile.startTime;
  let span = 0;
  const samples = profile.samples.map((id, i) => {
    atUs += profile.timeDeltas[i]!;
    while (span < spans.length && spans[span]![1] < atUs) span++;
    const isIdle = span < spans.length && spans[span]![0] <= atUs;
    if (!isIdle || id === idle.id) return id;
    takeTick(byId.get(id));
    if (idle.hitCount !== undefined) idle.hitCount++;
    return idle.id;
  });
  return { ...profile, nodes, samples };
}

type Counted = V8ProfileNode & { hitCount?: number };

function idleNode(nodes: Counted[]): Counted {
  const known = nodes.find(({ callFrame }) => callFrame.functionName === '(idle)');
  if (known) return known;
  const id = nodes.reduce((most, node) => Math.max(most, node.id), 0) + 1;
  const callFrame = { functionName: '(idle)', scriptId: '0', url: '', lineNumber: -1, columnNumber: -1 };
  const made = { id, callFrame, hitCount: 0 };
  nodes.push(made);
  const root = nodes[0];
  if (root) root.children = [...(root.children ?? []), id];
  return made;
}

/** A single sample does not have the line: the one that most samples were at. */
function takeTick(node: Counted | undefined): void {
  if (!node) return;
  if (node.hitCount) node.hitCount--;
  const ticks = node.positionTicks;
  if (!ticks || ticks.length === 0) return;
  const most = ticks.reduce((a, b, i) => (b.ticks > ticks[a]!.ticks ? i : a), 0);
  ticks[most] = { ...ticks[most]!, ticks: ticks[most]!.ticks - 1 };
}
