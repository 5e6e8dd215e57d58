/** Whether the agent takes a stack for itself: then it counts all frames, its own as well, which are hidden from the program. */
export const ownStacks = { now: false };
