import type { Profile } from '../../profile/types.ts';
import { displayPath, formatBytes } from '../../util/text.ts';
import { UserError } from '../../util/user-error.ts';
import { freeName, writePrivate } from '../write-file.ts';
import { exporterFor, leftOut } from './export-profile.ts';

/** Writes a profile in the format given by the file's name, never over another file; returns the result in words. */
export function writeProfile(profile: Profile, wanted: string): string {
  try {
    const exporter = exporterFor(wanted, undefined, '');
    const stem = wanted.slice(0, -exporter.extension.length - 1);
    const file = freeName(stem, exporter.extension);
    const bytes = writePrivate(file, [exporter.write(profile)], '');
    const instead = file === wanted ? '' : ` (${displayPath(wanted)} was there already)`;
    const without = leftOut(profile, exporter) === null ? '' : `; it holds one thread, ${profile.threads[0]!.name}`;
    return `Written: ${displayPath(file)}, ${formatBytes(bytes)}${without}${instead}`;
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
}
