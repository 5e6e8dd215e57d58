/** How `label()` reaches an agent in its thread, if there is one: by a diagnostics channel, which costs nothing without a listener. */

export const LABELS = 'evdiag.label';

export interface LabelMessage {
  kind: string;
  name: string;
  /** The agent puts in what runs the job; without an agent the job is simply called. */
  run: (<T>(job: () => T) => T) | null;
}
