import { describe } from 'vitest';
import { burnerBeside, expectSilence } from '../support/healthy.ts';
import { programs } from './programs.ts';

describe('alone', () => {
  expectSilence(programs);
});

describe('beside a busy process', () => {
  burnerBeside();
  expectSilence(programs);
});
