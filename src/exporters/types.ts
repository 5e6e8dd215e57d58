import type { Profile } from '../profile/types.ts';

/** Writes a profile in one format. */
export interface Exporter {
  /** The format's own name. */
  id: string;
  title: string;
  extension: string;
  mediaType: string;
  /** Throws InputError if the format cannot hold it. */
  write(profile: Profile): string | Uint8Array;
}
