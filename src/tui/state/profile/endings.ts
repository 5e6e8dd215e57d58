import { exporters } from '../../../exporters/index.ts';

/** What the name of a file for a profile may end in: '.cpuprofile .html …'. */
export const ENDINGS = exporters.map(({ extension }) => `.${extension}`).join(' ');

export function isKnownEnding(file: string): boolean {
  return exporters.some(({ extension }) => file.endsWith(`.${extension}`));
}
