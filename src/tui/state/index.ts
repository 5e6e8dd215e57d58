export { findMarks } from './moment.ts';
export { initialState } from './state.ts';
