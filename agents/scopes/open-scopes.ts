/** The scopes that are open, for those who watch the thread as a whole; `scopes.ts` keeps it up to date. */
export const open = {
  count: 0,
  /** The id of the scope that runs now, 0 where there is none. */
  currentId: (): number => 0,
};
