import type { Reason } from './losses.ts';

export interface WaitingLine {
  text: string;
  /** How many rows it holds, or says are lost. */
  rows: number;
  /** Set on a line that says why rows are lost. */
  reason: Reason | null;
  isHeader?: boolean;
}

/** Lines that are to be written, oldest first; of the first one the beginning may be in the file. */
export function createWaitingLines() {
  let lines: WaitingLine[] = [];
  let characters = 0;
  /** Bytes of the first line that the file has. */
  let begun = 0;

  const shift = (): WaitingLine => {
    begun = 0;
    const line = lines.shift()!;
    characters -= line.text.length;
    return line;
  };
  return {
    add(line: WaitingLine): void {
      lines.push(line);
      characters += line.text.length;
    },
    /** What goes before the rows, in place of what waits of that kind: the header, and what is said of lost rows. */
    lead(header: WaitingLine | null, lost: readonly WaitingLine[]): void {
      const partial = begun > 0 ? lines.slice(0, 1) : [];
      const others = lines.slice(partial.length).filter(({ reason }) => reason === null);
      const headers = header ? [header] : others.filter(({ isHeader }) => isHeader);
      lines = [...partial, ...headers, ...lost, ...others.filter(({ isHeader }) => !isHeader)];
      characters = lines.reduce((sum, { text }) => sum + text.length, 0);
    },
    /** The next file has nothing of the first line. */
    restart(): void {
      begun = 0;
    },
    isPartial: () => begun > 0,
    isEmpty: () => lines.length === 0,
    characters: () => characters,
    /** The first lines as bytes, without what is written: one at least, more while they have fewer characters than that. */
    head(most: number): Uint8Array {
      let text = '';
      for (const line of lines) {
        if (text !== '' && text.length + line.text.length > most) break;
        text += line.text;
      }
      return Buffer.from(text).subarray(begun);
    },
    /** So many bytes of the head were written: the lines that are whole. */
    advance(bytes: number): WaitingLine[] {
      const whole: WaitingLine[] = [];
      let left = begun + bytes;
      while (lines.length > 0 && left >= Buffer.byteLength(lines[0]!.text)) {
        left -= Buffer.byteLength(lines[0]!.text);
        whole.push(shift());
      }
      begun = left;
      return whole;
    },
    /** Drops the oldest rows beyond so many characters, and counts them. */
    trim(most: number): number {
      const before = lines.length;
      const isDroppable = (line: WaitingLine, i: number): boolean =>
        line.reason === null && !line.isHeader && !(i === 0 && begun > 0);
      let over = characters - most;
      if (over <= 0) return 0;
      lines = lines.filter((line, i) => {
        if (over <= 0 || !isDroppable(line, i)) return true;
        over -= line.text.length;
        characters -= line.text.length;
        return false;
      });
      return before - lines.length;
    },
  };
}
