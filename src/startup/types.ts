/** A module, and those that it was the first to load. Times are ms of wall-clock time. */
export interface StartupModule {
  /** Absolute path, or a URL. */
  file: string;
  /** Null for the program's own code. */
  package: string | null;
  /** Its own code, and finding, reading and compiling what it requires. */
  selfMs: number;
  totalMs: number;
  /** The slowest first. */
  modules: StartupModule[];
}

export interface StartupPackage {
  /** Null for the program's own code. */
  package: string | null;
  modules: number;
  selfMs: number;
  /** With what its modules load. */
  totalMs: number;
}

export interface Startup {
  totalMs: number;
  /** The entry, and modules of which it is not known who loaded them. */
  modules: StartupModule[];
  packages: StartupPackage[];
}
