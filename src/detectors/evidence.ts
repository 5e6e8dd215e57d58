/** The evidence of each rule's findings: for code that reads findings of a rule by name. */
import type { asyncDeadlock } from './rules/async-deadlock.ts';
import type { blockedEventLoop } from './rules/blocked-event-loop.ts';
import type { cancellationWithoutCleanup } from './rules/cancellation-without-cleanup.ts';
import type { chattyFileIo } from './rules/chatty-file-io.ts';
import type { connectionChurn } from './rules/connection-churn.ts';
import type { costlyAsyncHooks } from './rules/costly-async-hooks.ts';
import type { cpuBoundMainThread } from './rules/cpu-bound-main-thread.ts';
import type { deepAsyncChain } from './rules/deep-async-chain.ts';
import type { exhaustedConnectionPool } from './rules/exhausted-connection-pool.ts';
import type { floatingPromises } from './rules/floating-promises.ts';
import type { gcPause } from './rules/gc-pause.ts';
import type { gcPressure } from './rules/gc-pressure.ts';
import type { growingExternalMemory } from './rules/growing-external-memory.ts';
import type { growingHeap } from './rules/growing-heap.ts';
import type { growingPendingAsync } from './rules/growing-pending-async.ts';
import type { growingWorkers } from './rules/growing-workers.ts';
import type { heavyMessages } from './rules/heavy-messages.ts';
import type { ignoredBackpressure } from './rules/ignored-backpressure.ts';
import type { leakSuspect } from './rules/leak-suspect.ts';
import type { leakedHandles } from './rules/leaked-handles.ts';
import type { leakedListeners } from './rules/leaked-listeners.ts';
import type { lostAsync } from './rules/lost-async.ts';
import type { memoryChurn } from './rules/memory-churn.ts';
import type { missingTimeout } from './rules/missing-timeout.ts';
import type { orphanedAsync } from './rules/orphaned-async.ts';
import type { overloadedEventLoop } from './rules/overloaded-event-loop.ts';
import type { recordingQuality } from './rules/recording-quality.ts';
import type { repeatedLookups } from './rules/repeated-lookups.ts';
import type { saturatedThreadPool } from './rules/saturated-thread-pool.ts';
import type { serialAwaits } from './rules/serial-awaits.ts';
import type { slowUpstream } from './rules/slow-upstream.ts';
import type { starvedEventLoop } from './rules/starved-event-loop.ts';
import type { stuckAsync } from './rules/stuck-async.ts';
import type { taskSwitchChurn } from './rules/task-switch-churn.ts';
import type { timerStorm } from './rules/timer-storm.ts';
import type { unboundedConcurrency } from './rules/unbounded-concurrency.ts';
import type { unhandledRejections } from './rules/unhandled-rejections.ts';
import type { Finding } from './types.ts';

type EvidenceIn<Rule> = Rule extends { words(evidence: infer E): string[] } ? E : never;

/** By rule. */
export interface EvidenceOf {
  'async-deadlock': EvidenceIn<typeof asyncDeadlock>;
  'blocked-event-loop': EvidenceIn<typeof blockedEventLoop>;
  'cancellation-without-cleanup': EvidenceIn<typeof cancellationWithoutCleanup>;
  'chatty-file-io': EvidenceIn<typeof chattyFileIo>;
  'connection-churn': EvidenceIn<typeof connectionChurn>;
  'costly-async-hooks': EvidenceIn<typeof costlyAsyncHooks>;
  'cpu-bound-main-thread': EvidenceIn<typeof cpuBoundMainThread>;
  'deep-async-chain': EvidenceIn<typeof deepAsyncChain>;
  'exhausted-connection-pool': EvidenceIn<typeof exhaustedConnectionPool>;
  'floating-promises': EvidenceIn<typeof floatingPromises>;
  'gc-pause': EvidenceIn<typeof gcPause>;
  'gc-pressure': EvidenceIn<typeof gcPressure>;
  'growing-external-memory': EvidenceIn<typeof growingExternalMemory>;
  'growing-heap': EvidenceIn<typeof growingHeap>;
  'growing-pending-async': EvidenceIn<typeof growingPendingAsync>;
  'growing-workers': EvidenceIn<typeof growingWorkers>;
  'heavy-messages': EvidenceIn<typeof heavyMessages>;
  'ignored-backpressure': EvidenceIn<typeof ignoredBackpressure>;
  'leak-suspect': EvidenceIn<typeof leakSuspect>;
  'leaked-handles': EvidenceIn<typeof leakedHandles>;
  'leaked-listeners': EvidenceIn<typeof leakedListeners>;
  'lost-async': EvidenceIn<typeof lostAsync>;
  'memory-churn': EvidenceIn<typeof memoryChurn>;
  'missing-timeout': EvidenceIn<typeof missingTimeout>;
  'orphaned-async': EvidenceIn<typeof orphanedAsync>;
  'overloaded-event-loop': EvidenceIn<typeof overloadedEventLoop>;
  'recording-quality': EvidenceIn<typeof recordingQuality>;
  'repeated-lookups': EvidenceIn<typeof repeatedLookups>;
  'saturated-thread-pool': EvidenceIn<typeof saturatedThreadPool>;
  'serial-awaits': EvidenceIn<typeof serialAwaits>;
  'slow-upstream': EvidenceIn<typeof slowUpstream>;
  'starved-event-loop': EvidenceIn<typeof starvedEventLoop>;
  'stuck-async': EvidenceIn<typeof stuckAsync>;
  'task-switch-churn': EvidenceIn<typeof taskSwitchChurn>;
  'timer-storm': EvidenceIn<typeof timerStorm>;
  'unbounded-concurrency': EvidenceIn<typeof unboundedConcurrency>;
  'unhandled-rejections': EvidenceIn<typeof unhandledRejections>;
}

export type RuleId = keyof EvidenceOf;

/** A finding of one rule, with what that rule says. */
export type FindingOf<Rule extends RuleId> = Finding<EvidenceOf[Rule] & object> & { rule: Rule };

/** Narrows the type: `isFindingOf(finding, 'gc-pause') && finding.evidence.heapUsedBytes`. */
export function isFindingOf<Rule extends RuleId>(finding: Finding, rule: Rule): finding is FindingOf<Rule> {
  return finding.rule === rule;
}
