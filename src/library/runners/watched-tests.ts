/** Tests that a runner announces by its hooks, one after the other: what is made between two of them belongs to the test. */
import { formatMs } from '../../util/text.ts';
import { libraryBundle } from '../bundle.ts';
import { leakError, leftBehind, type TestSettings, throwIfBlocked } from '../left-by-test.ts';
import { DEFAULTS, type EvdiagTestOptions, fromText } from '../test-options.ts';
import type { Scope } from '../types.ts';

/** Options as text, such as EVDIAG_TESTS='{"stallMs":200}'. */
const SETTINGS = 'EVDIAG_TESTS';

let wantedSettings: TestSettings | null = null;

export function setOptions(wanted: EvdiagTestOptions): void {
  wantedSettings = { ...DEFAULTS, ...wanted };
}

/** Read when the first test begins. */
function settingsNow(): TestSettings {
  wantedSettings ??= { ...DEFAULTS, ...fromText(process.env[SETTINGS] || '{}') };
  return wantedSettings;
}

/** A test that runs. */
export interface RunningTest {
  name: string;
  scope: Scope;
  leave(): void;
  /** Another test ran beside it: whose something is, is not known. */
  isShared: boolean;
}

export class WatchedTests {
  /** Files of the runner: things made with only these on the stack are its own. */
  readonly #runners: RegExp;
  readonly #late: RunningTest[] = [];
  readonly #running = new Set<RunningTest>();
  #whole: Scope | null = null;
  #stopStalls = (): void => {};

  constructor(runners: RegExp) {
    this.#runners = runners;
  }

  /** Hooks into Node stay from test to test. */
  begin(): void {
    if (this.#whole) return;
    const bundle = libraryBundle();
    this.#whole = bundle.openScope('file');
    const { stallMs } = settingsNow();
    if (stallMs > 0) this.#stopStalls = bundle.startStalls(stallMs);
  }

  /** `isNested`: a part of the test that runs. */
  open(name: string, isNested = false): RunningTest {
    this.begin();
    const scope = libraryBundle().openScope(name);
    const test: RunningTest = { name, scope, leave: scope.enter(), isShared: !isNested && this.#running.size > 0 };
    if (test.isShared) for (const one of this.#running) one.isShared = true;
    this.#running.add(test);
    return test;
  }

  /** Throws what is wrong with the test, as soon as all of its hooks have run. `mayBeClosedLater`: hooks at the end of a suite may close what is left. */
  async close(
    test: RunningTest,
    { passed, mayBeClosedLater }: { passed: boolean; mayBeClosedLater: boolean },
  ): Promise<void> {
    const { scope, name } = test;
    const settings = settingsNow();
    test.leave();
    this.#running.delete(test);
    let isLate = false;
    try {
      // What a failed test leaves is not reported: its own error matters.
      if (!passed) return;
      if (!test.isShared) await throwIfBlocked(scope, settings);
      const left = await leftBehind(scope, settings, this.#runners);
      if (left.length === 0) return;
      isLate = mayBeClosedLater || test.isShared;
      if (isLate) this.#late.push(test);
      else throw leakError(`The test '${name}'`, left, ` after a grace period of ${formatMs(settings.graceMs)}`);
    } finally {
      if (!isLate) scope.close();
    }
  }

  /** After the last hook: throws what nothing has closed. */
  async end(): Promise<void> {
    const settings = settingsNow();
    try {
      for (const { name, scope, isShared } of this.#late.splice(0)) {
        const left = await leftBehind(scope, settings, this.#runners);
        scope.close();
        const subject = isShared ? `The test '${name}', or one that ran beside it,` : `The test '${name}'`;
        if (left.length > 0) throw leakError(subject, left, ' after the last hook of its file');
      }
    } finally {
      this.#stopStalls();
      this.#whole?.close();
      this.#whole = null;
    }
  }
}
