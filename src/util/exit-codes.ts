/** Of Node, where the loop has nothing left to do while the program's top level awaits. https://nodejs.org/api/process.html#exit-codes */
export const UNSETTLED_EXIT_CODE = 13;
