/** Parameters that several tools have. */
import type { Field } from './types.ts';

export const PID = {
  type: 'number',
  least: 1,
  most: 2 ** 31 - 1,
  description: 'Process ID of a running process, see the tool "processes".',
} as const satisfies Field;
export const REQUIRED_PID = { ...PID, required: true } as const;
export const RECORDING = {
  type: 'string',
  description:
    'Folder of a recording, or a folder of recordings, of which the newest is read. Default: .evdiag. Leave it out if you give a pid.',
} as const satisfies Field;
export const LIMIT = {
  type: 'number',
  least: 1,
  most: 50,
  description: 'How many entries at most, the worst first.',
} as const satisfies Field;
