import type { Profile } from '../../profile/types.ts';
import type { Level, Location, Recording } from '../../recording/types.ts';
import type { ExcerptLine } from '../../report/excerpt.ts';
import type { Report } from '../../report/types.ts';

/** What a piece of text means. The views decide how it looks. */
export type Tone = 'plain' | 'dim' | 'strong' | 'good' | 'warn' | 'bad' | 'accent' | 'selected';

export interface Span {
  text: string;
  tone: Tone;
}

/** One line of the screen, without control characters. */
export type Line = readonly Span[];

/** All recordings of a family as they were at one time: what every tab is made from. */
export interface Moment {
  /** On the clock of the root's recording. */
  atMs: number;
  /** Rows up to that time, the root first. */
  recordings: readonly Recording[];
  /** The thread that the tabs show. */
  chosen: Recording;
  /** Of this moment, or of a slightly earlier one: rows are judged between frames. Null before that. */
  report: Report | null;
  profiles: ProfileState;
}

/** A profile that the tab Profile can show: taken live, or beside a recording. */
export interface ShownProfile {
  /** Distinguishes it from the others. */
  id: string;
  /** 'taken at 5.2 s', or the name of its file. */
  name: string;
  pid: number;
  /** Null before it has been read, and if it cannot be. */
  profile: Profile | null;
  /** Why it cannot be read; null if nothing is wrong. */
  problem: string | null;
  /** One for each thread of the profile, in its order. */
  threads: readonly ProfiledThread[];
}

export interface ProfiledThread {
  threadId: number;
  /** When its profile began, on the clock of `Header.startMonotonicMs`; null if that is not known. */
  startMonotonicMs: number | null;
  spanMs: number;
}

/** Functions; the calls from the top down; functions with their callers below them. */
export type ProfileView = 'functions' | 'tree' | 'callers';

export interface ProfileState {
  /** The newest first. */
  all: readonly ShownProfile[];
  /** Id of the one that the user chose; otherwise the newest of the thread is shown. */
  chosen: string | null;
  view: ProfileView;
  /** Only that time is shown. On the clock of `Header.startMonotonicMs`, in all threads; `words` say what it is. */
  range: { fromMs: number; toMs: number; words: string } | null;
  /** Keys of the branches that are not as the view has them at first. */
  toggled: ReadonlySet<string>;
  /** One is being taken, since that time on the clock of the root. */
  running: { pid: number; sinceMs: number } | null;
  /** Why the last one failed; null if it did not. */
  lost: string | null;
}

export interface Column {
  title: string;
  /** Characters; columns without a width share the rest. */
  width?: number;
  right?: boolean;
  /** Shown if the terminal has this many columns. */
  from?: number;
}

/** A row of a table. */
export interface Item {
  /** The same thing has the same key at another moment. */
  key: string;
  /** The title of what Enter shows: the function, the kind. Without it the first cell is used, or nothing if there is a place. */
  name?: string;
  /** One text for each column; called if it is on the screen, or filtered. */
  cells(atMs: number): readonly string[];
  /** What a filter searches, if writing out the cells of all items would take long. */
  searched?(): string;
  /** What a column sorts by. */
  value(column: number): string | number;
  tone: Tone;
  /** Of single cells, by column, if it differs. */
  tones?: Readonly<Record<number, Tone>>;
  location: Location | null;
  /** What Enter shows. */
  details(tools: Tools): Line[];
}

/** What the lines of a screen need besides the state. */
export interface Tools {
  columns: number;
  /** The lines of source around a place; [] if they are not available. */
  excerpt(location: Location): ExcerptLine[];
}

/** One tab of the screen: some lines, and a table below them. */
export interface Tab {
  id: string;
  title: string;
  columns: readonly Column[];
  /** The column that sorts at first, the largest on top. */
  sortColumn: number;
  /** Shown if the table has no rows. */
  empty(moment: Moment): string;
  summary(moment: Moment, tools: Tools): Line[];
  /** The same list as long as nothing of it has changed: it is sorted once. */
  items(moment: Moment): readonly Item[];
  /** The items are a tree now: they stay in their order, ← and → fold and unfold. */
  isTree?(moment: Moment): boolean;
}

/** What the user did in one tab. */
export interface TableState {
  /** The key of the selected item, and where it was. */
  key: string | null;
  index: number;
  /** The first item that is on the screen. */
  top: number;
  sortColumn: number;
  inverted: boolean;
  filter: string;
}

type Overlay =
  /** Of the selected item. */
  | { kind: 'details'; top: number }
  | { kind: 'help'; top: number }
  | { kind: 'text'; title: string; lines: readonly string[]; top: number };

/** A finding of the whole recording, and when it first appeared. */
export interface Mark {
  atMs: number;
  finding: Report['findings'][number];
}

export interface State {
  mode: 'live' | 'replay';
  /** What is watched, or where the recording is, in words. */
  subject: string;
  /** Why no more rows come; null while they do. */
  ended: string | null;
  /** Everything that is known, the root first. */
  recordings: readonly Recording[];
  /** Key of the thread that is shown. */
  thread: string | null;
  atMs: number;
  /** The moment is the newest. Live: pause ends it. */
  following: boolean;
  /** Replay: the clock runs. */
  playing: boolean;
  speed: number;
  refreshMs: number;
  /** Earlier rows are left out. */
  sinceMs: number;
  /** Null until they have been computed. */
  marks: readonly Mark[] | null;
  moment: Moment | null;
  /** The newest judgement, and its time. */
  judged: { atMs: number; report: Report } | null;
  tab: string;
  /** After those that every recording has. */
  extraTabs: readonly Tab[];
  profiles: ProfileState;
  tables: Readonly<Record<string, TableState>>;
  /** The filter is being typed. */
  typing: boolean;
  /** The name of the file for the profile while it is typed; null otherwise. */
  fileName: string | null;
  overlay: Overlay | null;
  /** One `g` was typed. */
  pendingG: boolean;
  message: string | null;
  columns: number;
  rows: number;
}

/** What others do for the state. */
export type Effect =
  | { type: 'quit'; signal?: 'SIGINT' }
  | { type: 'dump' }
  /** Begins a CPU profile, or ends the one that runs. */
  | { type: 'profile' }
  /** The tab Profile wants this one. */
  | { type: 'read-profile'; id: string }
  /** In the format given by the name. */
  | { type: 'write-profile'; profile: Profile; file: string }
  /** From now on, of the process that is shown. */
  | { type: 'level'; level: Level }
  /** A heap snapshot that is kept. */
  | { type: 'snapshot' }
  /** The next step of a hunt for leaks: three snapshots, then the report. */
  | { type: 'hunt' }
  | { type: 'save' }
  | { type: 'copy'; text: string }
  /** Open it in the user's editor; the screen comes back afterwards. */
  | { type: 'edit'; location: Location }
  /** Judge these, as they were at that time, without delaying the screen; `urgent` if the user waits for it. */
  | { type: 'judge'; recordings: readonly Recording[]; atMs: number; urgent: boolean }
  /** Compute the marks of these, without delaying the screen. */
  | { type: 'marks'; recordings: readonly Recording[] };

export type Action =
  /** A key: a printable character, or a name such as `up`, `pagedown`, `S-tab`, `C-c`. */
  | { type: 'key'; key: string }
  | { type: 'size'; columns: number; rows: number }
  /** Time has passed. */
  | { type: 'tick'; ms: number }
  /** Everything that is known by now; `ended` if nothing more will come. */
  | { type: 'recordings'; recordings: readonly Recording[]; ended?: string }
  | { type: 'report'; report: Report; atMs: number }
  | { type: 'marks'; marks: readonly Mark[] }
  | { type: 'message'; text: string | null }
  | { type: 'show'; title: string; lines: readonly string[] }
  /** A CPU profile of that process has begun. */
  | { type: 'profiling'; pid: number }
  /** It ended without a profile. */
  | { type: 'profile-lost'; why: string }
  /** One that was taken just now, or was read. */
  | { type: 'profile'; profile: ShownProfile }
  /** Those beside the recording, the newest first. */
  | { type: 'profiles'; profiles: readonly ShownProfile[] }
  /** With the mouse. */
  | { type: 'tab'; id: string }
  | { type: 'item'; index: number }
  | { type: 'sort'; column: number }
  | { type: 'wheel'; by: number }
  | { type: 'seek'; share: number };
