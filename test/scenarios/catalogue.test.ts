/** What evdiag must be able to show: a scenario for each fault, with the findings that it causes. */
import { expect, test } from 'vitest';
import { scenarios } from '../../scenarios/index.ts';
import { detectors } from '../../src/detectors/rules/index.ts';

/** By scenario, the rules of which it causes at least one finding; none where no honest rule exists, and the scenario shows the damage itself. */
const CATALOGUE: Record<string, readonly string[]> = {
  'blocking-sleep': ['blocked-event-loop'],
  'slow-route': ['blocked-event-loop'],
  'cpu-hog': ['blocked-event-loop'],
  'sync-io': ['blocked-event-loop'],
  'sync-child-process': ['blocked-event-loop'],
  'sync-crypto': ['blocked-event-loop'],
  'sync-zlib': ['blocked-event-loop'],
  'sync-database': ['blocked-event-loop'],
  'json-bomb': ['blocked-event-loop'],
  'regex-backtracking': ['blocked-event-loop'],
  'native-add-on': ['blocked-event-loop'],
  'intl-per-call': ['blocked-event-loop'],
  'stack-through-maps': ['blocked-event-loop'],
  'late-module-load': ['blocked-event-loop'],
  'blocking-log': ['blocked-event-loop'],
  'overloaded-loop': ['overloaded-event-loop'],
  'microtask-starvation': ['starved-event-loop'],
  'nexttick-starvation': ['starved-event-loop'],
  'task-switch-churn': ['task-switch-churn'],
  'deep-recursion': ['deep-async-chain'],
  'timer-storm': ['timer-storm'],
  'busy-polling': ['task-switch-churn'],
  'leaked-tasks': ['growing-pending-async'],
  'lost-tasks': ['lost-async'],
  'stuck-await': ['stuck-async'],
  'missing-timeout': ['missing-timeout'],
  'floating-promises': ['floating-promises', 'unhandled-rejections'],
  'fail-fast-all': ['orphaned-async'],
  'promise-race-leak': ['leak-suspect'],
  'cancellation-without-cleanup': ['cancellation-without-cleanup'],
  'narrow-semaphore': ['narrow-concurrency'],
  'unbounded-concurrency': ['unbounded-concurrency'],
  'lock-order-deadlock': ['async-deadlock'],
  'overlapping-runs': ['growing-pending-async'],
  'nested-limit': ['async-deadlock'],
  'dead-dependency': ['stuck-async', 'missing-timeout'],
  'lost-update': [],
  'lost-context': [],
  'retry-storm': ['unbounded-concurrency'],
  'serial-awaits': ['serial-awaits'],
  'worker-per-request': ['growing-workers'],
  'connection-churn': ['connection-churn'],
  'connection-pool-exhausted': ['exhausted-connection-pool'],
  'thread-pool-saturation': ['saturated-thread-pool'],
  'uncached-lookups': ['repeated-lookups'],
  'chatty-file-io': ['chatty-file-io'],
  'ignored-backpressure': ['ignored-backpressure'],
  'unread-body': ['exhausted-connection-pool', 'ignored-backpressure'],
  'slow-upstream': ['slow-upstream'],
  'copying-proxy': ['memory-churn'],
  'datagram-flood': ['unbounded-concurrency'],
  'growing-cache': ['leak-suspect'],
  'closure-context-leak': ['leak-suspect'],
  'leaked-listeners': ['leaked-listeners'],
  'leaked-timers': ['leaked-handles'],
  'leaked-sockets': ['leaked-handles'],
  'leaked-workers': ['growing-workers'],
  'pinned-context': ['leak-suspect', 'uncleaned-context'],
  'costly-async-hooks': ['costly-async-hooks'],
  'generator-churn': ['memory-churn', 'gc-pressure'],
  'allocation-churn': ['memory-churn', 'gc-pressure'],
  'clone-storm': ['heavy-messages'],
  'heavy-ipc': ['heavy-messages'],
  'uncloneable-message': [],
  'mixed-load': ['cpu-bound-main-thread'],
  'process-memory-growth': [],
};

/** The scenario shows the damage, and no rule reports it yet. */
const WITHOUT_RULE = ['narrow-semaphore'];

const ids = scenarios.map(({ id }) => id);

test('each fault of the catalogue is a scenario', () => {
  expect(Object.keys(CATALOGUE).filter((id) => !ids.includes(id))).toEqual([]);
});

test('each scenario is in the catalogue, but for the healthy program', () => {
  expect(ids.filter((id) => !(id in CATALOGUE))).toEqual(['healthy']);
});

test.each(scenarios.filter(({ id }) => id in CATALOGUE).map((scenario) => [scenario.id, scenario] as const))(
  '%s causes what the catalogue says, by a rule and a kind that exist',
  (id, { expect: expectations }) => {
    const rules = expectations.map(({ rule }) => rule);
    const isExpected = CATALOGUE[id]!.length > 0 && !WITHOUT_RULE.includes(id);
    expect(rules.some((rule) => CATALOGUE[id]!.includes(rule))).toBe(isExpected);
    for (const { rule, kind } of expectations) {
      expect(detectors.find((detector) => detector.id === rule)?.kinds.map((text) => text.kind)).toContain(kind);
    }
  },
);
