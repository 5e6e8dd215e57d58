import { Option } from 'commander';
import { exporters } from '../../exporters/index.ts';
import type { Exporter } from '../../exporters/types.ts';
import type { Profile } from '../../profile/types.ts';
import { InputError } from '../../util/input-error.ts';

export function formatOption(): Option {
  return new Option('--format <format>', 'format of the output (default: by the file extension)').choices(
    exporters.map(({ id }) => id),
  );
}

/** The exporter by its name, or by the end of the file's name. Throws InputError. */
export function exporterFor(file: string | undefined, format: string | undefined, otherwise: string): Exporter {
  const byId = (id: string): Exporter => exporters.find((exporter) => exporter.id === id)!;
  if (format !== undefined) return byId(format);
  if (file === undefined || file === '-') return byId(otherwise);
  // The longest ending counts: .speedscope.json.
  const byName = exporters
    .filter(({ extension }) => file.endsWith(`.${extension}`))
    .sort((a, b) => b.extension.length - a.extension.length)[0];
  if (byName) return byName;
  const endings = exporters.map(({ extension }) => `.${extension}`).join(', ');
  throw new InputError(`The format of "${file}" is not clear from its name. Add --format, or one of ${endings}.`);
}

/** What a format for one thread leaves out; null if it has all. */
export function leftOut({ threads }: Profile, { id }: Exporter): string | null {
  if (threads.length < 2 || !['cpuprofile', 'heapprofile'].includes(id)) return null;
  return `A .${id} holds one thread: ${threads[0]!.name} is in it, --thread chooses another one.`;
}
