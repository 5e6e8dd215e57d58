/** The open scopes, for code that watches the whole thread; `scopes.ts` keeps it up to date. */
export const open = {
  count: 0,
  /** The id of the running scope, 0 if there is none. */
  currentId: (): number => 0,
};
