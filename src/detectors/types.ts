import type { Location, RowType, View, WorkShare } from '../recording/types.ts';

export type Severity = 'info' | 'warning' | 'critical';
export const SEVERITIES: readonly Severity[] = ['info', 'warning', 'critical'];

/** When something was seen: the beginnings of the first and of the last time, in ms since the start of the recording. */
export interface Span {
  firstMs: number;
  lastMs: number;
}

/** How long it took: the longest time, and all together, in ms. */
export interface Times {
  maxMs: number;
  totalMs: number;
}

/**
 * One problem: what, where, how sure, what to change. `evidence` is typed by the rule, which alone reads it and words it;
 * what others read is a field. `docs/report-json.md` describes the JSON.
 */
export interface Finding<E extends object = object> {
  rule: string;
  severity: Severity;
  /** 0..100, for sorting. */
  score: number;
  kind: string;
  message: string;
  remedy: string;
  /** The rule's page. */
  url: string;
  location: Location | null;
  /** Innermost first. */
  stack: Location[];
  count: number;
  /** 0..1 */
  confidence: number;
  /** During the program's start: the same line is harmless then and harmful later. */
  startup: boolean;
  /** Null if it has no times of its own. */
  span: Span | null;
  times: Times | null;
  /** Other places that are a part of it, such as those that queue up behind a deadlock. */
  alsoAt: Location[];
  /** Whose work it is, as far as known, the most frequent first: of each how many times it was, or 1 where that is not counted. */
  work: WorkShare[];
  /** Requests that waited meanwhile, as far as they were followed, by route. */
  waited: WorkShare[];
  /** Names of the threads it was seen in, the worst first, bounded; empty if only one thread was recorded. */
  threads: string[];
  /** Of all threads, named or not. */
  threadCount: number;
  /** Findings that this one explains; they have none themselves. */
  symptoms: Finding[];
  evidence: E;
}

/** The words of a kind, for `evdiag explain`. */
export interface KindText {
  kind: string;
  title: string;
  remedy: string;
  /** A short worked example: the sick line and its cure. */
  example: string;
}

/** Findings that are symptoms of this rule's: `relation.ts` makes a graph of all of them. */
export interface Explains {
  rule: string;
  /** Kinds of the symptom; all if left out. */
  kinds?: readonly string[];
  /** Kinds of the cause; all if left out. */
  of?: readonly string[];
  /** Only symptoms, or causes, that are the main thing, or only those that are not: see `minor`. All if left out. */
  isMinor?: boolean;
  ofMinor?: boolean;
  /** What they have in common: a function (the place of one is on the stack of the other), a line, or nothing. */
  share?: 'function' | 'line' | 'nothing';
  /** Also if the place of the symptom is not known. */
  nowhere?: true;
  /** Only causes that are more than info. */
  alarm?: true;
  /** Only this: otherwise, what the symptom explains at a function is explained as well. */
  alone?: true;
}

/** What a rule cannot see, where a recording shows whether that matters there. */
export interface Limit<Seen> {
  text: string;
  /** What it is about in this recording, as a sentence; null if nothing. */
  here(recording: Seen): string | null;
}

/** For pages and help: whatever the recording. */
export function limitText(limit: string | Limit<never>): string {
  return typeof limit === 'string' ? limit : limit.text;
}

/** What a rule answers if it cannot judge: a fragment that says why. */
export interface NoData {
  noData: string;
}

export interface Detector<E extends object = object, Reads extends readonly RowType[] = readonly RowType[]> {
  id: string;
  /** A fragment that can follow a count: "blocked event loop". */
  title: string;
  description: string;
  remedy: string;
  /** All types of rows that it reads: `detect` sees no others. */
  reads: Reads;
  /** The rows that must be there: without them, finding nothing means nothing. A nested list has alternatives. */
  needs: readonly (Reads[number] | readonly Reads[number][])[];
  /** "NAME: value, where it comes from", for people. */
  thresholds: readonly string[];
  /** What it cannot see or needs, in sentences. */
  limits: readonly (string | Limit<View<Reads[number]>>)[];
  kinds: readonly KindText[];
  /** Pure: a recording in, findings out. */
  detect(recording: View<Reads[number]>): Finding<E>[] | NoData;
  /** What is a symptom of this rule. Does not apply to findings at start-up. */
  explains?: readonly Explains[];
  /** Findings of this rule that are a small part of what others report, and so rather their symptoms. */
  minor?(all: readonly Finding[]): ReadonlySet<Finding>;
  /** Frames of Node that this rule's problem causes, whatever the stack. */
  owns?(frame: Location): boolean;
  /** The evidence in words: fragments that have the number and its unit, "CPU 380 ms". */
  words(evidence: E): string[];
  /** Merges the evidence of one problem in several threads, the worst first; without this the worst one's is used. */
  merge?(evidences: readonly E[]): E;
}

export type Outcome = 'found' | 'clear' | 'no-data' | 'error';

export interface RuleResult {
  rule: string;
  outcome: Outcome;
  why: string;
  /** What it could not see in this recording, in sentences; absent where nothing of that matters. */
  unseen?: string[];
}

export interface Judgement {
  findings: Finding[];
  rules: RuleResult[];
}
