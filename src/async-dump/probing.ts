/** Whether a probe runs: the promises that hooks see then are its own, and it counts all frames of the stack. */
export const probing = { now: false };
