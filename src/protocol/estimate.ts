/** What a dump or a heap snapshot depends on. */
export interface Estimate {
  threads: {
    threadId: number;
    /** Of V8's heap, garbage included; null if the thread did not answer. */
    heapBytes: number | null;
  }[];
  /** What the process may still use. */
  availableBytes: number;
}
