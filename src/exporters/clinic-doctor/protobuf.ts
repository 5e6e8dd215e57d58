import type { DoctorSample } from './samples.ts';

// The numbers of the fields are those of format/process-stat.proto of @clinic/doctor.
const WIRE = { varint: 0, double: 1, bytes: 2 } as const;

/** Messages, each with its length before it, in 16 bits. */
export function encodeSamples(samples: readonly DoctorSample[], startUnixMs: number): Buffer {
  const messages = samples.map((sample) => encodeSample(sample, startUnixMs));
  return Buffer.concat(
    messages.flatMap((message) => {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(message.length);
      return [length, message];
    }),
  );
}

function encodeSample(
  { t, delayMs, cpu, memory, handles, loopUtilization }: DoctorSample,
  startUnixMs: number,
): Buffer {
  const { rssBytes, heapTotalBytes, heapUsedBytes, externalBytes, arrayBuffersBytes } = memory;
  const sizes = [rssBytes, heapTotalBytes, heapUsedBytes, externalBytes, arrayBuffersBytes];
  const inner = Buffer.concat(sizes.map((bytes, i) => double(i + 1, bytes)));
  return Buffer.concat([
    double(1, startUnixMs + t),
    double(2, delayMs),
    double(3, cpu),
    tag(4, WIRE.bytes),
    varint(inner.length),
    inner,
    tag(5, WIRE.varint),
    varint(handles),
    ...(loopUtilization === null ? [] : [tag(6, WIRE.varint), varint(loopUtilization)]),
  ]);
}

function tag(field: number, wire: number): Buffer {
  return Buffer.of((field << 3) | wire);
}

function double(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(9);
  bytes[0] = (field << 3) | WIRE.double;
  bytes.writeDoubleLE(value, 1);
  return bytes;
}

/** Of a number that is not negative. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return Buffer.of(...bytes, rest);
}
